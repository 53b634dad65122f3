import Observability
import WireProtocol
import ZeroMQ

/// Admits peers with a valid key in the keyring, and to the feed only those that may read all
/// events.
struct KeyringAuthenticator: Authenticator {
    let keyring: KeyringFile
    let log: ThrottledLog
    private let rate = HandshakeRate()

    func key(of name: String) -> CurvePublicKey? { keyring.key(of: name) }

    /// Returns whether to admit a peer, and counts a denial.
    ///
    /// The peer is admitted as its key. Its name would be ambiguous: after a revocation, another
    /// key can have it.
    func admit(_ handshake: Handshake) -> Admission {
        let admission = decide(on: handshake)
        if case .admitted = admission {} else { ProcessCounters.shared.noteDeniedHandshake() }
        return admission
    }

    private func decide(on handshake: Handshake) -> Admission {
        let key = handshake.key.description
        guard let caller = keyring.currentCaller(of: key) else {
            log.note(
                "denied: \(handshake.address) is not admitted, because its key \(key) is unknown "
                    + "or revoked", of: "handshakes")
            return .denied
        }
        guard caller.mayConnect(handshake.zapDomain) else {
            log.note(
                "denied: the key of \(caller.name ?? key) may not read all events, so it is not "
                    + "admitted to the feed", of: "handshakes")
            return .denied
        }
        guard rate.take(key) else {
            log.note("denied for now: the key connects too often", of: caller.name ?? key)
            return .later
        }
        return .admitted(as: key)
    }

    func isStillAdmitted(_ key: String, to zapDomain: String) -> Bool {
        keyring.caller(of: key)?.mayConnect(zapDomain) ?? false
    }

    func takeChangedSenders() -> Set<String> { keyring.takeChangedSenders() }

    func note(_ text: String, of key: String?) {
        log.note(text, of: key.map { keyring.caller(of: $0)?.name ?? $0 } ?? "connections")
    }
}

extension KeyringAuthenticator {
    func noteFailedConnection(_ text: String) {
        ProcessCounters.shared.noteRefusedConnection()
        // A process tries to connect again every few seconds.
        log.note(text, of: "refusals", every: .seconds(60))
    }
}

extension Caller {
    fileprivate func mayConnect(_ zapDomain: String) -> Bool {
        zapDomain != Feed.zapDomain || permissions.readsAll
    }
}
