import EventSourcing

/// The order of calls and effects: which effects a call must see, and which it cannot see.
///
/// If one call was answered before another call was made, the second call comes after the effect of
/// the first. If a call was made after another one was answered, its effect, and everything from
/// there on in the log, comes after the other call.
struct CallMoments {
    /// Calls with an effect by the time of their answer, each with the highest effect so far.
    private let ended: [(time: UInt64, highest: UInt64)]
    /// Calls with an effect by the time they were made, each with the lowest effect from there on.
    private let started: [(time: UInt64, lowest: UInt64)]
    /// When the first call with each effect was made.
    private let firstStart: [UInt64: UInt64]

    /// Sorts the calls of a history by their times and effects.
    ///
    /// - Parameter effect: returns the position of a call's first event, or nil if it has none.
    init<Subject>(_ calls: [Call<Subject>], effect: (Call<Subject>) -> UInt64?) {
        var ended: [(time: UInt64, highest: UInt64)] = []
        // A call without an acknowledgement may take effect after the caller has given up.
        for call in calls.sorted(by: { $0.ended < $1.ended }) where call.isAcknowledged {
            guard let effect = effect(call) else { continue }
            ended.append((call.ended, max(effect, ended.last?.highest ?? 0)))
        }
        firstStart = calls.reduce(into: [:]) { starts, call in
            guard let effect = effect(call) else { return }
            starts[effect] = min(starts[effect] ?? .max, call.started)
        }
        var started: [(time: UInt64, lowest: UInt64)] = []
        for (effect, start) in firstStart.sorted(by: { $0.value > $1.value }) {
            started.append((start, min(effect, started.last?.lowest ?? .max)))
        }
        self.ended = ended
        self.started = started.reversed()
    }

    /// Returns the highest position that a call made at `start` must see, and the highest that a
    /// call answered at `end` can see.
    func effects(of start: UInt64, _ end: UInt64) -> (first: UInt64, last: UInt64) {
        let before = ended.prefix(upTo: ended.partitioningIndex { $0.time >= start }).last
        let behind = started.suffix(from: started.partitioningIndex { $0.time > end }).first
        return (before?.highest ?? 0, behind.map { $0.lowest - 1 } ?? .max)
    }

    /// Whether an earlier call than the one made at `start` had the effect, so that this one
    /// repeats it.
    func isRepeated(_ effect: UInt64, before start: UInt64) -> Bool {
        (firstStart[effect] ?? start) < start
    }
}
