public import Logging
import Synchronization

extension Logger {
    /// When the process last logged that it waits. Hundreds of its calls may wait together.
    private static let lastWaiting = Mutex<ContinuousClock.Instant?>(nil)
    /// The shortest time between two such messages.
    private static let waitingInterval: Duration = .seconds(1)

    /// Logs that the process waits for the event store because of `error`, at most once a second.
    public func noteWaiting(_ error: any Error) {
        let isDue = Self.lastWaiting.withLock { last in
            let now = ContinuousClock.now
            guard last.map({ $0 + Self.waitingInterval <= now }) ?? true else { return false }
            last = now
            return true
        }
        if isDue { warning("waiting for the event store", metadata: ["reason": "\(error)"]) }
    }
}
