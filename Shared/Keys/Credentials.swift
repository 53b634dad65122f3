import EventSourcing
public import Foundation
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// What a process is on the wire: its own key, with those of the others, and what each may do.
public struct Credentials: Sendable {
    public let context: Context
    public let access: AccessControl

    /// Without keys: nothing leaves the machine, and nobody is asked who it is.
    private init() throws {
        context = try Context()
        access = .none
    }

    /// - Parameters:
    ///   - keyring: is read again when it has changed.
    ///   - logger: takes what is refused.
    /// - Throws: `DaybookError` if one of the files can't be used.
    public init(
        key: URL, keyring: URL, logger: Logger = Credentials.standardLogger
    ) throws {
        let (identity, keyring) = (try KeyFile.read(key), try KeyringFile(keyring))
        guard keyring.currentCaller(of: identity.publicKey.description) != nil else {
            throw DaybookError(.invalid, "the keyring \(keyring.path) has no valid key for \(key.path)")
        }
        let log = ThrottledLog(logger)
        context = try Context(
            security: Security(
                identity: identity, doorkeeper: KeyringDoorkeeper(keyring, log: log)))
        access = AccessControl(
            find: { keyring.caller(of: $0) }, note: { log.note("refused: \($1)", of: $0) })
    }

    /// Writes text to standard error.
    public static let standardLogger = Logger(label: "keys") {
        StreamLogHandler.standardError(label: $0)
    }

    /// Those that the process was given: its own key by DAYBOOK_KEY, and those of the others by
    /// DAYBOOK_KEYRING.
    ///
    /// - Throws: `DaybookError` if one is given without the other, or can't be used.
    public static func ofProcess(
        logger: Logger = Credentials.standardLogger
    ) throws -> Credentials {
        let key = Endpoints.environment("DAYBOOK_KEY")
        let keyring = Endpoints.environment("DAYBOOK_KEYRING")
        switch (key, keyring) {
        case (nil, nil):
            return try Credentials()
        case (let key?, let keyring?):
            return try Credentials(
                key: URL(filePath: key), keyring: URL(filePath: keyring), logger: logger)
        case (_?, nil):
            throw DaybookError(.invalid, "DAYBOOK_KEY goes with DAYBOOK_KEYRING, the file of all public keys")
        case (nil, _?):
            throw DaybookError(.invalid, "DAYBOOK_KEYRING goes with DAYBOOK_KEY, the file of the secret key")
        }
    }
}

extension Context {
    /// That of the process's ``Credentials``: for who calls and is not called.
    public static func ofProcess() throws -> Context { try Credentials.ofProcess().context }

    /// That of ``Credentials/init(key:keyring:)``.
    public static func with(key: URL, keyring: URL) throws -> Context {
        try Credentials(key: key, keyring: keyring).context
    }
}
