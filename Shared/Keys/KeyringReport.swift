import Logging
import Observability

/// Logs changes of a keyring's health, and sets the metrics.
struct KeyringReport: Sendable {
    /// Why a process whose key is no longer valid is not ready.
    static let lostKey =
        "the key of this process is not valid any more: it was revoked or removed from the keyring"

    private let logger: Logger
    private let keyring: String

    init(_ logger: Logger, keyring: String) {
        self.logger = logger
        self.keyring = keyring
    }

    /// Logs what has changed since the last call.
    func note(_ health: KeyringHealth) {
        let before = ProcessCounters.shared.setKeys(
            isKeyringValid: health.fault == nil, isKeyValid: health.hasOwnKey)
        if let fault = health.fault {
            logger.error("the keyring can't be used, so the last valid one stays in use: \(fault)")
        } else if before?.isKeyringValid == false {
            logger.notice("the keyring \(keyring) is valid again")
        }
        guard before?.isKeyValid ?? true != health.hasOwnKey else { return }
        if health.hasOwnKey {
            logger.notice("the key of this process is valid again")
        } else {
            logger.error("\(Self.lostKey) \(keyring); give the process a new key and restart it")
        }
    }
}
