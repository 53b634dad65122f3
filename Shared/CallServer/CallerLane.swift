import DequeModule
import HeapModule
package import WireProtocol

/// What shares one client's part of a server: all connections of a key, or one connection without a
/// key.
package enum CallerLane: Hashable, Sendable {
    /// All connections of the key with this name.
    case key(String)
    /// The connection that a ROUTER gives this name.
    case connection([UInt8])

    /// The lane of the call that the task answers.
    @TaskLocal package static var current = CallerLane.connection([])

    /// Returns the lane of a caller's message.
    ///
    /// - Parameter peer: the ROUTER's name for the connection.
    package init(_ caller: Caller, _ peer: [UInt8]) {
        self = caller.name.map(Self.key) ?? .connection(peer)
    }
}

/// A queue in which the lane that has taken the least time so far is next.
///
/// So a lane with many or costly elements delays one that has few by one element at a time. A known
/// lane that had no elements for a while may be a little before the others, whatever else it did
/// not take. New lanes share one part of the time until each has had its first turn, because a
/// client may make as many connections as it likes.
package struct FairQueue<Element> {
    /// By how much time a known lane without elements falls behind the others, at most. Without it,
    /// its next element would wait for one of each busy lane.
    private static var advantage: Duration { .milliseconds(50) }
    /// How many lanes without elements the queue knows.
    private static var mostIdle: Int { 4096 }

    private struct Lane {
        var elements: Deque<Element> = []
        /// The time that it has taken: at least what its turn says.
        var time: Duration
        /// Whether none of its elements has been charged.
        var isNew = true
        /// Whether it is in the list of idle lanes.
        var isListed = false
        /// Whether it had elements since it came there.
        var wasUsed = false
    }

    /// The place of a lane among the others.
    private struct Turn: Comparable {
        let time: Duration
        /// Among lanes with the same time, the one that waits longer is first.
        let number: UInt64
        let lane: CallerLane

        static func < (a: Self, b: Self) -> Bool { (a.time, a.number) < (b.time, b.number) }
        static func == (a: Self, b: Self) -> Bool { a.number == b.number }
    }

    private var lanes: [CallerLane: Lane] = [:]
    /// One for each lane that has elements. Its time may be less than the lane's by now.
    private var turns = Heap<Turn>()
    private var lastNumber: UInt64 = 0
    /// The time of the lane whose turn it was last.
    private var time = Duration.zero
    /// The earliest time with which the next new lane starts.
    private var timeOfNew = Duration.zero
    /// How long the first element of a new lane takes, on average of the last ones.
    private var costOfNew = Duration.zero
    /// The lanes that had no elements left, the oldest first.
    private var idle: Deque<CallerLane> = []

    /// Creates an empty queue.
    package init() {}

    /// How many lanes the queue knows.
    package var laneCount: Int { lanes.count }

    /// Appends the element to its lane.
    package mutating func append(_ element: Element, to lane: CallerLane) {
        if lanes[lane]?.elements.isEmpty ?? true {
            let start =
                lanes[lane].map { max($0.time, time - Self.advantage) } ?? startOfNew()
            lanes[lane, default: Lane(time: start)].time = start
            lanes[lane]?.wasUsed = true
            addTurn(of: lane, at: start)
        }
        lanes[lane]?.elements.append(element)
    }

    private mutating func startOfNew() -> Duration {
        let start = max(time, timeOfNew)
        timeOfNew = start + costOfNew
        return start
    }

    private mutating func addTurn(of lane: CallerLane, at time: Duration) {
        lastNumber += 1
        turns.insert(Turn(time: time, number: lastNumber, lane: lane))
    }

    /// Removes and returns the first element of the lane whose turn it is.
    package mutating func popFirst() -> Element? {
        while let turn = turns.popMin() {
            // The lane itself must not be kept: changing its elements would copy them.
            guard let taken = lanes[turn.lane]?.time else { continue }
            guard turn.time == taken else {
                addTurn(of: turn.lane, at: taken)
                continue
            }
            time = max(time, taken)
            let element = lanes[turn.lane]?.elements.popFirst()
            if lanes[turn.lane]?.elements.isEmpty == false {
                addTurn(of: turn.lane, at: taken)
            } else {
                list(turn.lane)
            }
            return element
        }
        return nil
    }

    /// Lists the lane as idle. Forgets lanes that have been idle for the longest, if there are too
    /// many.
    private mutating func list(_ lane: CallerLane) {
        guard lanes[lane]?.isListed == false else { return }
        lanes[lane]?.isListed = true
        lanes[lane]?.wasUsed = false
        idle.append(lane)
        while idle.count > Self.mostIdle, let first = idle.popFirst() {
            if lanes[first]?.elements.isEmpty == false {
                lanes[first]?.isListed = false
            } else if lanes[first]?.wasUsed == true {
                lanes[first]?.wasUsed = false
                idle.append(first)
            } else {
                lanes[first] = nil
            }
        }
    }

    /// Counts the time that an element of the lane took.
    package mutating func charge(_ duration: Duration, to lane: CallerLane) {
        if lanes[lane]?.isNew == true {
            lanes[lane]?.isNew = false
            costOfNew = (costOfNew * 7 + duration) / 8
        }
        lanes[lane]?.time += duration
    }
}
