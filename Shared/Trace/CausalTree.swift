public import EventSourcing
public import WireProtocol

/// What led to what: events, each under the one that caused it, and what the bus has told of their
/// deliveries among them.
///
/// A dead letter stands under the event that could not be delivered, and its end under the dead
/// letter. Roots are events that a command led to, and those whose cause is not among the events.
public struct CausalTree: Sendable {
    public struct Node: Sendable {
        public let event: RecordedEvent
        /// How many events stand above it.
        public fileprivate(set) var depth: Int
        /// The place in the tree of the event that it stands under; nil for a root.
        public fileprivate(set) var parent: Int?
        /// Whether no other event stands below it under the same cause.
        public fileprivate(set) var isLast: Bool
        /// The service that has written it, if that is known.
        public let service: String?
        /// Who had it written: a person and host, or the participant that decided on it.
        public let actor: String?
        /// At which delivery of its cause it was decided on, if not at the first.
        public let attempt: Int?
        /// The W3C trace that it is part of, as it was handed on.
        public let traceparent: TraceParent?
        /// What could not be delivered, if the event tells of that.
        public let deadLetter: DeadLetter?
        /// Where its cause was put back into the queue before it was decided on.
        public let redriven: [UInt64]
        /// The event that this one reverses.
        public let reverses: EventID?
        /// Where it is reversed.
        public let reversedBy: UInt64?
        /// What is to be said of it beside all that, in plain words.
        public let notes: [String]
    }

    /// From the roots down, each followed by all that stands under it; what has the same cause, and
    /// the roots, in the order of the log.
    public let nodes: [Node]

    /// The time of the first event, which the others' are told from; nil if there are none.
    public let start: Timestamp?

    private init(nodes: [Node]) {
        self.nodes = nodes
        start = nodes.lazy.map(\.event.time).min()
    }

    /// Takes time by the number of the events, whatever they say of their causes.
    ///
    /// - Parameters:
    ///   - events: in the order of the log, none of them twice.
    ///   - service: the service that has written an event; nil if that is not known. The event is
    ///     not one of the bus, nor does it reverse another.
    public init(
        _ events: [RecordedEvent], service: (RecordedEvent) -> String? = { _ in nil }
    ) {
        var builder = CausalTreeBuilder(events)
        self.init(nodes: builder.nodes(service))
    }

    /// The event, and all that stands under it; nil if it is not in the tree.
    public func subtree(under event: EventID) -> CausalTree? {
        guard let top = nodes.firstIndex(where: { $0.event.id == event }) else { return nil }
        let depth = nodes[top].depth
        let end = nodes[(top + 1)...].firstIndex { $0.depth <= depth } ?? nodes.count
        var below = Array(nodes[top..<end])
        for place in below.indices {
            below[place].depth -= depth
            below[place].parent = place == 0 ? nil : below[place].parent.map { $0 - top }
        }
        below[0].isLast = true
        return CausalTree(nodes: below)
    }

    /// Milliseconds from the cause to the event; nil for a root.
    func millisecondsAfterCause(_ node: Node) -> Double? {
        node.parent.map { Self.milliseconds(from: nodes[$0].event.time, to: node.event.time) }
    }

    static func milliseconds(from start: Timestamp, to end: Timestamp) -> Double {
        (end - start) / .milliseconds(1)
    }
}

extension CausalTree.Node {
    /// Which conversation and trace it belongs to, when it happened, and who had it written: said
    /// of roots.
    var conversation: String {
        "conversation \(event.correlationID), \(event.time), by \(actor ?? "-")"
            + (traceparent.map { ", trace \($0.traceID)" } ?? "")
    }

    /// Which service has written it, and for whom.
    var writer: String {
        guard let service, let actor, service != actor else { return service ?? actor ?? "-" }
        return "\(service) for \(actor)"
    }
}

extension RecordedEvent {
    /// The event that this one reverses, by its tag.
    fileprivate var reversed: EventID? {
        tags.lazy.compactMap(EventID.init(reversalTag:)).first
    }
}

/// Puts events under each other.
private struct CausalTreeBuilder {
    private let events: [RecordedEvent]
    private let letters: DeadLetterNotes
    /// By event id, and by position, where it is among the events.
    private var places: [EventID: Int] = [:]
    private var positions: [UInt64: Int] = [:]
    /// For each event the one that it stands under, the last that stands under it and the one
    /// before it under the same cause; all of them places.
    private var parents: [Int?]
    private var lastChildren: [Int?]
    private var previous: [Int?]
    private var lastRoot: Int?
    /// By reversed event, where it is reversed.
    private var reversals: [EventID: UInt64] = [:]
    private var services: [String?]

    init(_ events: [RecordedEvent]) {
        self.events = events
        letters = DeadLetterNotes(events)
        parents = Array(repeating: nil, count: events.count)
        lastChildren = parents
        previous = parents
        services = Array(repeating: nil, count: events.count)
        for (place, event) in events.enumerated() {
            // Only what is before it can have caused it: so there are no circles.
            let parent = cause(of: event)
            places[event.id] = place
            positions[event.position] = place
            if let reversed = event.reversed { reversals[reversed] = event.position }
            parents[place] = parent
            if let parent {
                previous[place] = lastChildren[parent]
                lastChildren[parent] = place
            } else {
                previous[place] = lastRoot
                lastRoot = place
            }
        }
    }

    /// The place of the event that `event` stands under, among those that came before it.
    private func cause(of event: RecordedEvent) -> Int? {
        if let letter = letters.end(told: event)?.deadLetter, let place = positions[letter] {
            return place
        }
        return event.causationID == .none ? nil : places[event.causationID]
    }

    mutating func nodes(_ service: (RecordedEvent) -> String?) -> [CausalTree.Node] {
        var nodes: [CausalTree.Node] = []
        nodes.reserveCapacity(events.count)
        /// What is still to be put, the next one last: its place, its depth, its parent's place in
        /// the tree.
        var waiting: [(place: Int, depth: Int, parent: Int?)] = []
        func wait(_ last: Int?, _ depth: Int, under parent: Int?) {
            var next = last
            while let place = next {
                waiting.append((place, depth, parent))
                next = previous[place]
            }
        }
        wait(lastRoot, 0, under: nil)
        while let (place, depth, parent) = waiting.popLast() {
            let last = parents[place].map { lastChildren[$0] } ?? lastRoot
            services[place] = writer(of: place, service)
            wait(lastChildren[place], depth + 1, under: nodes.count)
            nodes.append(node(place, depth, parent, isLast: last == place))
        }
        return nodes
    }

    /// What reverses an event is written by the service that has written that one.
    private func writer(of place: Int, _ service: (RecordedEvent) -> String?) -> String? {
        let event = events[place]
        guard !BusCategory.all.contains(event.category) else { return "event-store" }
        if let reversed = event.reversed {
            // It is the cause, which has its service before what stands under it.
            return places[reversed].flatMap { services[$0] }
        }
        return service(event)
    }

    private func node(
        _ place: Int, _ depth: Int, _ parent: Int?, isLast: Bool
    ) -> CausalTree.Node {
        let event = events[place]
        let metadata = EventMetadata(of: event)
        let reversed = event.reversed
        let redrives =
            metadata.map { metadata in
                letters.redrives(of: event.causationID, in: metadata.actor)
                    .filter { $0.position < event.position }
            } ?? []
        var notes = [letters.note(on: event)].compactMap(\.self)
        notes += redrives.map { redrive in
            "decided on after \(redrive.receives) receives that failed, and the redrive at "
                + "position \(redrive.position)"
        }
        if let attempt = metadata?.attempt {
            notes.append("decided on at delivery \(attempt) of its cause")
        }
        if let reversed {
            let place = places[reversed].map { "position \(events[$0].position)" }
            notes.append("reverses \(place ?? "event \(reversed)")")
        }
        let reversal = reversals[event.id]
        if let reversal { notes.append("reversed by position \(reversal)") }
        if parent == nil, event.causationID != .none {
            notes.append("caused by event \(event.causationID), which is not shown here")
        }
        return CausalTree.Node(
            event: event, depth: depth, parent: parent, isLast: isLast, service: services[place],
            actor: metadata?.actor, attempt: metadata?.attempt,
            traceparent: metadata?.traceparent.flatMap(TraceParent.init),
            deadLetter: letters.letter(told: event), redriven: redrives.map(\.position),
            reverses: reversed, reversedBy: reversal, notes: notes)
    }
}
