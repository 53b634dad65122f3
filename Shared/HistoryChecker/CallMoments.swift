/// Which effects must be before a call, and which must be behind it.
///
/// An effect whose call had its answer before another call was made is before that call. An effect
/// whose call was made after another had its answer is behind that one, and so is all that the log
/// has from there on.
struct CallMoments {
    /// Calls with an effect by the time of their answer, each with the highest effect so far.
    private let ended: [(time: UInt64, highest: UInt64)]
    /// The same by the time they were made, each with the lowest effect from there on.
    private let started: [(time: UInt64, lowest: UInt64)]
    /// When the first call with the effect was made.
    private let firstStart: [UInt64: UInt64]

    /// - Parameter calls: with the position of the first event that each has led to, if any.
    init(_ calls: [(started: UInt64, ended: UInt64, effect: UInt64?, isAcknowledged: Bool)]) {
        var ended: [(time: UInt64, highest: UInt64)] = []
        // What is not acknowledged may take effect after the caller has given up.
        for call in calls.sorted(by: { $0.ended < $1.ended }) where call.isAcknowledged {
            guard let effect = call.effect else { continue }
            ended.append((call.ended, max(effect, ended.last?.highest ?? 0)))
        }
        firstStart = calls.reduce(into: [:]) { starts, call in
            guard let effect = call.effect else { return }
            starts[effect] = min(starts[effect] ?? .max, call.started)
        }
        var started: [(time: UInt64, lowest: UInt64)] = []
        for (effect, start) in firstStart.sorted(by: { $0.value > $1.value }) {
            started.append((start, min(effect, started.last?.lowest ?? .max)))
        }
        self.ended = ended
        self.started = started.reversed()
    }

    /// The highest position that must be known at `start`, and the highest that may be at `end`.
    func effects(of start: UInt64, _ end: UInt64) -> (first: UInt64, last: UInt64) {
        let before = Self.count(ended) { $0.time < start }
        let first = before > 0 ? ended[before - 1].highest : 0
        let behind = Self.count(started) { $0.time <= end }
        return (first, behind < started.count ? started[behind].lowest - 1 : .max)
    }

    /// Whether a call before `start` had the effect, and this call repeats it.
    func isRepeated(_ effect: UInt64, before start: UInt64) -> Bool {
        (firstStart[effect] ?? start) < start
    }

    private static func count<Entry>(_ entries: [Entry], _ wanted: (Entry) -> Bool) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if wanted(entries[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
