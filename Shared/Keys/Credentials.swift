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
    /// Returns why other processes do not accept this process's key, as far as its own keyring
    /// says so, or nil.
    public let fault: @Sendable () -> String?

    /// Creates credentials without keys.
    ///
    /// The sockets then connect within this machine only, and every caller may do everything.
    private init() throws {
        context = try Context()
        access = .none
        fault = { nil }
    }

    /// Reads a secret key and a keyring from files.
    ///
    /// - Parameters:
    ///   - key: the file of the process's secret key.
    ///   - keyring: the keyring file, which is read again when it changes.
    ///   - logger: logs what peers and callers are denied.
    ///   - isReporting: whether to log when the keyring can't be used or has lost the process's
    ///     key, and to set the metrics. False for further credentials of the same process.
    /// - Throws: `invalid` if a file can't be used, or the keyring has no valid entry for the key.
    public init(
        key: URL, keyring: URL, logger: Logger = Credentials.standardLogger,
        isReporting: Bool = false
    ) throws {
        let identity = try KeyFile.read(key)
        let ownKey = identity.publicKey.description
        let report = isReporting ? KeyringReport(logger, keyring: keyring.path) : nil
        let keyring = try KeyringFile(keyring, ownKey: ownKey) { report?.note($0) }
        try require(
            keyring.currentCaller(of: ownKey) != nil, .invalid,
            "the keyring \(keyring.path) has no valid key for \(key.path)")
        report?.note(KeyringHealth())
        let log = ThrottledLog(logger)
        let authenticator = KeyringAuthenticator(keyring: keyring, log: log)
        let security = Security(identity: identity, authenticator: authenticator)
        context = try Context(security: security)
        access = AccessControl(
            find: { keyring.caller(of: $0) }, note: { log.note("denied: \($1)", of: $0) })
        fault = { keyring.health.hasOwnKey ? nil : KeyringReport.lostKey }
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
    /// - Parameter isReporting: as for ``init(key:keyring:logger:isReporting:)``.
    /// - Throws: `invalid` if only one variable is set, or a file can't be used.
    public static func ofProcess(
        logger: Logger = Credentials.standardLogger, isReporting: Bool = false
    ) throws -> Credentials {
        switch (Endpoints.environment("DAYBOOK_KEY"), Endpoints.environment("DAYBOOK_KEYRING")) {
        case (nil, nil):
            return try Credentials()
        case (let key?, let keyring?):
            return try Credentials(
                key: URL(filePath: key), keyring: URL(filePath: keyring), logger: logger,
                isReporting: isReporting)
        case (_?, nil):
            throw DaybookError(
                .invalid, "DAYBOOK_KEY needs DAYBOOK_KEYRING, the file of all public keys")
        case (nil, _?):
            throw DaybookError(
                .invalid, "DAYBOOK_KEYRING needs DAYBOOK_KEY, the file of the secret key")
        }
    }
}
