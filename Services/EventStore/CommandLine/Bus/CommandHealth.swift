import WireProtocol

/// Judges a worker's command by how its runs end: whether it can run at all, and whether the worker
/// must slow down.
struct CommandHealth {
    /// After how many first runs that the shell could not start the worker ends.
    private static let attempts = 3
    /// After how many failures in a row the worker slows down.
    static let failuresInRow = 5
    /// The longest pause of any worker.
    static let longestPause: Duration = .seconds(60)

    /// The longest pause of this worker.
    private let longestPause: Duration

    /// The number of runs that the shell could not start. Nil once it could start one.
    private var notStarted: Int? = 0
    private var failures = 0
    private var pauses = 0
    /// Why the command can't run, in one line. Nil if it can, or if that is not known yet.
    private(set) var fault: String?

    /// Creates the judgement of a command that has not run yet.
    ///
    /// - Parameter longestBackoff: the queue's longest time between two deliveries of an event. A
    ///   pause is not longer.
    init(longestBackoff: Duration = Self.longestPause) {
        longestPause = min(longestBackoff, Self.longestPause)
    }

    /// Records how a run ended, and returns the verdict on its delivery. Runs that the shell could
    /// not start do not count against the event, unless others could be started.
    mutating func verdict(on ending: Shell.Ending) -> Acknowledgement.Verdict {
        // The shell's exit status for a command that it can't execute, or can't find.
        if let count = notStarted, let status = ending.status, [126, 127].contains(status) {
            notStarted = count + 1
            if count + 1 >= Self.attempts {
                fault = "\(ending.fault ?? "") (exit status \(status))"
            }
            return .returned
        }
        notStarted = nil
        guard let fault = ending.fault else {
            (failures, pauses) = (0, 0)
            return .acknowledged
        }
        return failed(fault)
    }

    /// Records a failure, and returns the verdict on its delivery.
    mutating func failed(_ fault: String) -> Acknowledgement.Verdict {
        failures += 1
        return .failed(error: fault, delay: nil)
    }

    /// Returns how long the worker must pause before the next run, and whether it did not pause
    /// before that. Nil for no pause.
    mutating func takePause() -> (duration: Duration, isFirst: Bool)? {
        guard failures >= Self.failuresInRow else { return nil }
        defer { pauses += 1 }
        return (min(.seconds(1 << min(pauses, 6)), longestPause), pauses == 0)
    }
}
