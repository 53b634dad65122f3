import EventSourcing
public import Foundation
public import Logging
import Observability
public import WireProtocol
public import ZeroMQ

/// The keys of a process: its own secret key, and the keyring of the peers that it trusts.
public struct Credentials: Sendable {
    /// The context whose sockets use the keys.
    public let context: Context
    /// The permissions of the callers.
    public let access: AccessControl

    /// Creates credentials without keys.
    ///
    /// The sockets then connect within this machine only, and every caller may do everything.
    private init() throws {
        context = try Context()
        access = .none
    }

    /// Reads a secret key and a keyring from files.
    ///
    /// - Parameters:
    ///   - key: the file of the process's secret key.
    ///   - keyring: the keyring file, which is read again when it changes.
    ///   - logger: logs what peers and callers are denied.
    /// - Throws: `invalid` if a file can't be used, or the keyring has no valid entry for the key.
    public init(
        key: URL, keyring: URL, logger: Logger = Credentials.standardLogger
    ) throws {
        let (identity, keyring) = (try KeyFile.read(key), try KeyringFile(keyring))
        try require(
            keyring.currentCaller(of: identity.publicKey.description) != nil, .invalid,
            "the keyring \(keyring.path) has no valid key for \(key.path)")
        let log = ThrottledLog(logger)
        let authenticator = KeyringAuthenticator(keyring: keyring, log: log)
        context = try Context(security: Security(identity: identity, authenticator: authenticator))
        access = AccessControl(
            find: { keyring.caller(of: $0) }, note: { log.note("denied: \($1)", of: $0) })
    }

    /// The default logger, which writes text to standard error.
    public static let standardLogger = Logger(label: "keys") {
        StreamLogHandler(label: $0, stream: LogStream())
    }

    /// Returns the credentials from the files that the environment names: the secret key in
    /// DAYBOOK_KEY and the keyring in DAYBOOK_KEYRING.
    ///
    /// Without both variables, the credentials have no keys.
    ///
    /// - Throws: `invalid` if only one variable is set, or a file can't be used.
    public static func ofProcess(
        logger: Logger = Credentials.standardLogger
    ) throws -> Credentials {
        switch (Endpoints.environment("DAYBOOK_KEY"), Endpoints.environment("DAYBOOK_KEYRING")) {
        case (nil, nil):
            return try Credentials()
        case (let key?, let keyring?):
            return try Credentials(
                key: URL(filePath: key), keyring: URL(filePath: keyring), logger: logger)
        case (_?, nil):
            throw DaybookError(
                .invalid, "DAYBOOK_KEY needs DAYBOOK_KEYRING, the file of all public keys")
        case (nil, _?):
            throw DaybookError(
                .invalid, "DAYBOOK_KEYRING needs DAYBOOK_KEY, the file of the secret key")
        }
    }
}

extension Context {
    /// Returns the context of the process's ``Credentials``, for a process that only makes calls.
    public static func ofProcess() throws -> Context { try Credentials.ofProcess().context }
}
