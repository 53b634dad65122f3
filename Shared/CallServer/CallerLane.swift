import DequeModule
import HeapModule
package import WireProtocol
package import ZeroMQ

/// What shares one client's part of a server: all connections of a key, or one connection without a
/// key.
package enum CallerLane: Hashable, Sendable {
    /// All connections of the key with this name.
    case key(String)
    /// The connection that a ROUTER gives this name.
    case connection(PeerName)

    /// The lane of the call that the task answers.
    @TaskLocal package static var current = CallerLane.connection([])

    /// Returns the lane of a caller's message.
    ///
    /// - Parameter peer: the ROUTER's name for the connection.
    package init(_ caller: Caller, _ peer: PeerName) {
        self = caller.name.map(Self.key) ?? .connection(peer)
    }
}

/// A queue in which the lane that has taken the least time so far is next.
///
/// So a lane with many or costly elements delays one that has few by one element at a time. A known
/// lane that had no elements for a while may be a little before the others, whatever else it did
/// not take. New lanes share half of the time, in the order in which they came, until each has had
/// its first turn: a client may make as many connections as it likes.
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
        /// Whether the last element was its first one.
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
    /// One for each known lane that has elements. Its time may be less than the lane's by now.
    private var turns = Heap<Turn>()
    /// The new lanes that have elements.
    private var newcomers: Deque<CallerLane> = []
    private var lastNumber: UInt64 = 0
    /// The time of the lane whose turn it was last.
    private var time = Duration.zero
    /// The time of the new lanes, which share the turns of as many lanes as there are known ones.
    private var timeOfNew = Duration.zero
    /// The lanes that had no elements left, the oldest first.
    private var idle: Deque<CallerLane> = []

    /// Creates an empty queue.
    package init() {}

    /// How many lanes the queue knows.
    package var laneCount: Int { lanes.count }

    /// Appends the element to its lane.
    package mutating func append(_ element: Element, to lane: CallerLane) {
        if let known = lanes[lane] {
            if known.elements.isEmpty {
                let start = max(known.time, time - Self.advantage)
                lanes[lane]?.time = start
                lanes[lane]?.wasUsed = true
                addTurn(of: lane, at: start)
            }
        } else {
            lanes[lane] = Lane(time: time)
            if newcomers.isEmpty { timeOfNew = max(timeOfNew, time) }
            newcomers.append(lane)
        }
        lanes[lane]?.elements.append(element)
    }

    private mutating func addTurn(of lane: CallerLane, at time: Duration) {
        lastNumber += 1
        turns.insert(Turn(time: time, number: lastNumber, lane: lane))
    }

    /// Removes and returns the first element of the lane whose turn it is.
    package mutating func popFirst() -> Element? {
        let next = nextTime()
        if timeOfNew <= next ?? timeOfNew, let lane = newcomers.popFirst() {
            time = max(time, timeOfNew)
            // From now on it is a known one.
            lanes[lane]?.time = time
            return popFirst(of: lane)
        }
        guard let next, let turn = turns.popMin() else { return nil }
        time = max(time, next)
        lanes[turn.lane]?.isNew = false
        return popFirst(of: turn.lane)
    }

    /// Returns the time of the known lane whose turn it is, or nil if none has elements.
    private mutating func nextTime() -> Duration? {
        while let turn = turns.min {
            let time = lanes[turn.lane]?.time ?? turn.time
            if turn.time == time { return time }
            turns.removeMin()
            addTurn(of: turn.lane, at: time)
        }
        return nil
    }

    private mutating func popFirst(of lane: CallerLane) -> Element? {
        let element = lanes[lane]?.elements.popFirst()
        if let rest = lanes[lane], !rest.elements.isEmpty {
            addTurn(of: lane, at: rest.time)
        } else {
            list(lane)
        }
        return element
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
        if lanes[lane]?.isNew == true { timeOfNew += duration / max(turns.count, 1) }
        lanes[lane]?.time += duration
    }
}
