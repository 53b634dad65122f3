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

    /// Returns the lane of a caller's message.
    ///
    /// - Parameter peer: the ROUTER's name for the connection.
    package init(_ caller: Caller, _ peer: [UInt8]) {
        self = caller.name.map(Self.key) ?? .connection(peer)
    }
}

/// A queue in which the lane that has taken the least time so far is next.
///
/// So a lane with many or costly elements delays one that has few by one element at a time. A lane
/// that was empty starts with the time of the lane whose turn it was last, whatever it took before.
package struct FairQueue<Element> {
    private struct Lane {
        var elements: Deque<Element> = []
        /// The time that it has taken: at least what its turn says.
        var time: Duration
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
    private var time = Duration.zero

    /// Creates an empty queue.
    package init() {}

    /// Appends the element to its lane.
    package mutating func append(_ element: Element, to lane: CallerLane) {
        if lanes[lane] == nil {
            lanes[lane] = Lane(time: time)
            addTurn(of: lane, at: time)
        }
        lanes[lane]?.elements.append(element)
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
            time = turn.time
            guard let element = lanes[turn.lane]?.elements.popFirst() else {
                lanes[turn.lane] = nil
                continue
            }
            addTurn(of: turn.lane, at: taken)
            return element
        }
        return nil
    }

    /// Counts the time that an element of the lane took.
    package mutating func charge(_ duration: Duration, to lane: CallerLane) {
        lanes[lane]?.time += duration
    }
}
