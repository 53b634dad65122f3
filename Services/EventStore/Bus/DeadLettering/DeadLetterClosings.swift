import DequeModule
import EventSourcing
import WireProtocol

/// The redrives and discards in progress, and the totals of the last ones, by command id.
///
/// A client repeats a call whose answer is late or lost. The repetition waits for the first attempt
/// and gets its total.
struct DeadLetterClosings {
    /// How many dead letters a command has closed.
    struct Total: Hashable, Sendable {
        var count = 0
        /// The last append of their events.
        var last: Appended?
        /// The digest of the command, or nil if it has none.
        var digest: String?
    }

    private static let kept = 1000

    /// The commands in progress, with the callers that wait for them.
    private var running: [EventID: [Waiter]] = [:]
    /// The dead letters for which a command in progress appends events.
    private var taken: Set<UInt64> = []
    private var totals: [EventID: Total] = [:]
    /// The commands in `totals`, the oldest first.
    private var ended: Deque<EventID> = []

    /// Records that the command is in progress. Returns false if it is already, or has ended.
    mutating func begin(_ command: EventID) -> Bool {
        guard running[command] == nil, totals[command] == nil else { return false }
        running[command] = []
        return true
    }

    /// Returns the total of a command that has ended lately, or nil.
    func total(of command: EventID) -> Total? { totals[command] }

    /// Adds a caller that waits until the command in progress ends.
    mutating func wait(for command: EventID, _ waiter: Waiter) {
        running[command]?.append(waiter)
    }

    /// Records that the command has ended. Returns the callers that waited for it.
    ///
    /// - Parameter total: nil if it failed or had nothing to do. Then the next attempt tries again.
    mutating func end(_ command: EventID, with total: Total?) -> [Waiter] {
        if let total {
            totals[command] = total
            ended.append(command)
            if ended.count > Self.kept { totals[ended.removeFirst()] = nil }
        }
        return running.removeValue(forKey: command) ?? []
    }

    /// Returns those of the dead letters that no other command is closing, until `release`.
    mutating func take(_ letters: [DeadLetterRow]) -> [DeadLetterRow] {
        letters.filter { taken.insert($0.id).inserted }
    }

    /// Whether a command in progress is closing the dead letter.
    func isTaken(_ id: UInt64) -> Bool { taken.contains(id) }

    mutating func release(_ letters: [DeadLetterRow]) { taken.subtract(letters.map(\.id)) }
}

extension DeadLetterClosings.Total {
    /// Returns the outcome of the command, with an event for each dead letter that it has closed.
    ///
    /// - Parameter isRepeat: whether an earlier attempt has closed them all.
    func outcome(_ type: BusEventType, isRepeat: Bool) -> Outcome {
        guard let last else { return .nothing }
        let types = Array(repeating: type.rawValue, count: count)
        return isRepeat
            ? .repeated(position: last.last, types: types) : .appended(last, types: types)
    }
}

extension DeadLetterClosings {
    /// What a command in progress has done.
    struct Progress {
        private static let named = 20

        private var closed: Set<UInt64> = []
        /// The first append of the command's events.
        private(set) var first: Appended?
        private(set) var last: Appended?
        /// The dead letters that can't be redriven, and their queues, which do not exist.
        private var impossible: [UInt64: String] = [:]
        /// The dead letters that can't be redriven, because they name another event than the log
        /// has at their positions.
        private var foreign: Set<UInt64> = []
        /// The dead letters that can't be redriven, because their events can't be read.
        private var unreadable: Set<UInt64> = []

        var isEmpty: Bool {
            closed.isEmpty && impossible.isEmpty && foreign.isEmpty && unreadable.isEmpty
        }

        mutating func add(_ ids: [UInt64], _ appended: Appended) {
            closed.formUnion(ids)
            first = first ?? appended
            last = appended
        }

        /// Returns the dead letters that can be closed, and notes the others.
        mutating func possible(
            _ letters: [(letter: DeadLetterRow, isPossible: Bool)]
        ) -> [DeadLetterRow] {
            for (row, isPossible) in letters where !isPossible {
                impossible[row.id] = row.letter.queue
            }
            return letters.filter(\.isPossible).map(\.letter)
        }

        /// Returns the dead letters whose events the log has, and notes the others.
        ///
        /// - Parameter events: the events at the dead letters' positions. One that can't be read is
        ///   missing.
        mutating func sound(
            _ letters: [DeadLetterRow], _ events: [UInt64: RecordedEvent]
        ) -> [DeadLetterRow] {
            letters.filter { letter in
                guard let event = events[letter.letter.position] else {
                    unreadable.insert(letter.id)
                    return false
                }
                if (try? letter.check(event)) != nil { return true }
                foreign.insert(letter.id)
                return false
            }
        }

        /// Returns the command's total.
        ///
        /// - Throws: `notFound` with the dead letters, queues and events that do not exist, and
        ///   what was done.
        func total(
            of selection: DeadLetterSelection, _ type: BusEventType
        ) throws(DaybookError) -> Total {
            var faults = Set(impossible.values).sorted().map {
                "there is no queue '\($0)' to redrive to; create it with: event-store queues "
                    + "create \($0)"
            }
            let known = closed.union(impossible.keys).union(foreign).union(unreadable)
            let unknown = Set(selection.ids ?? []).subtracting(known)
            for (ids, fault, advice) in [
                (
                    foreign, "the log has other events at the positions of these dead letters",
                    "discard the dead letters with: event-store dlq discard"
                ),
                (
                    unreadable, "the log has no readable events for these dead letters",
                    "check the log with 'event-store verify', or discard the dead letters with "
                        + "'event-store dlq discard'"
                ),
                (
                    unknown, "these ids name no waiting dead letter",
                    "list the waiting ones with: event-store dlq list"
                ),
            ] where !ids.isEmpty {
                faults.append("\(fault): \(Self.list(ids)); \(advice)")
            }
            guard !faults.isEmpty else { return Total(count: closed.count, last: last) }
            let verb = type == .deadLetterRedriven ? "redriven" : "discarded"
            let done = closed.isEmpty ? "" : "dead letters \(verb): \(closed.count); but "
            throw DaybookError(.notFound, done + faults.joined(separator: "; "))
        }

        /// Lists the first of the ids, in ascending order.
        private static func list(_ ids: Set<UInt64>) -> String {
            let first = ids.sorted().prefix(named).map(String.init).joined(separator: ", ")
            return first + (ids.count > named ? " and \(ids.count - named) more" : "")
        }
    }
}
