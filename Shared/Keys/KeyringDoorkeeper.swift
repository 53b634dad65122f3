import CoreMetrics
import Observability
import WireProtocol
import ZeroMQ

/// Lets in whose key is in the keyring: to the feed, who may read everything.
struct KeyringDoorkeeper: Doorkeeper {
    private let keyring: KeyringFile
    private let log: ThrottledLog
    private let rate = HandshakeRate()
    private let refusals = Registry.refusedHandshakes

    init(_ keyring: KeyringFile, log: ThrottledLog) {
        self.keyring = keyring
        self.log = log
    }

    func key(of name: String) -> CurvePublicKey? { keyring.key(of: name) }

    /// Admits as the key, and not as its name, which another key may have after it.
    func admit(_ handshake: Handshake) -> Admission {
        let admission = decide(on: handshake)
        if case .admitted = admission {} else { refusals.increment() }
        return admission
    }

    private func decide(on handshake: Handshake) -> Admission {
        let key = handshake.key.description
        guard let caller = keyring.currentCaller(of: key) else {
            log.note(
                "refused: \(handshake.address) is not let in with the key \(key): it is unknown "
                    + "or revoked", of: "handshakes")
            return .refused
        }
        guard caller.mayEnter(handshake.door) else {
            log.note(
                "refused: the key of \(caller.name ?? key) may not read everything, so it is not "
                    + "let in to the feed", of: "handshakes")
            return .refused
        }
        guard rate.take(key) else {
            log.note("a key connects too often", of: caller.name ?? key)
            return .later
        }
        return .admitted(as: key)
    }

    func mayStay(_ key: String, at door: String) -> Bool {
        keyring.caller(of: key)?.mayEnter(door) ?? false
    }

    func takeLost() -> Set<String> { keyring.takeLost() }

    func note(_ text: String, of key: String?) {
        log.note(text, of: key.map { keyring.caller(of: $0)?.name ?? $0 } ?? "connections")
    }
}

extension Caller {
    fileprivate func mayEnter(_ door: String) -> Bool { door != Feed.door || permissions.readsAll }
}
