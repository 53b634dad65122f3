public import Logging

extension Logger {
    /// Logs that the process waits for the event store because of `error`.
    public func noteWaiting(_ error: any Error) {
        warning("waiting for the event store", metadata: ["reason": "\(error)"])
    }
}
