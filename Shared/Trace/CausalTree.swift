public import EventSourcing
public import WireProtocol

/// A tree of events, in which the parent of an event is its cause.
///
/// It includes the bus's events about deliveries. The parent of a dead letter is the event that
/// could not be delivered, and the parent of a dead letter's end is the dead letter. Roots are
/// events that a command caused, and events whose cause is not in the tree.
public struct CausalTree: Sendable {
    /// An event in the tree.
    public struct Node: Sendable {
        /// The event, as the log has it.
        public let event: RecordedEvent
        /// The number of the event's ancestors, 0 for a root.
        public fileprivate(set) var depth: Int
        /// The index of the parent in ``CausalTree/nodes``, or nil for a root.
        public fileprivate(set) var parent: Int?
        /// Whether the event is the last child of its parent.
        public fileprivate(set) var isLast: Bool
        /// The service that wrote the event, or nil if it is unknown.
        public let service: String?
        /// The actor: a person and host, or the participant that decided on the event.
        public let actor: String?
        /// The delivery of its cause that led to the event, or nil for the first.
        public let attempt: Int?
        /// The W3C trace that the event is part of, or nil.
        public let traceparent: TraceParent?
        /// The dead letter that the event records, or nil.
        public let deadLetter: DeadLetter?
        /// The positions of the redrives of its cause that came before the event.
        public let redriven: [UInt64]
        /// The id of the event that this one reverses, or nil.
        public let reverses: EventID?
        /// The position of the event that reverses this one, or nil.
        public let reversedBy: UInt64?
        /// Remarks on the event for people, in the order in which they are shown.
        public let notes: [String]
    }

    /// The events from the roots down, each followed by its descendants. Siblings are in log order.
    public let nodes: [Node]

    /// The time of the first event, from which other times are measured, or nil for an empty tree.
    public let start: Timestamp?

    private init(nodes: [Node]) {
        self.nodes = nodes
        start = nodes.lazy.map(\.event.occurredAt).min()
    }

    /// Builds the tree of events, in linear time whatever their causes are.
    ///
    /// - Parameters:
    ///   - events: the events in log order, without duplicates.
    ///   - service: returns the service that wrote an event, or nil if it is unknown. It is not
    ///     called for events of the bus and for reversals.
    public init(
        _ events: [RecordedEvent], service: (RecordedEvent) -> String? = { _ in nil }
    ) {
        var builder = CausalTreeBuilder(events)
        self.init(nodes: builder.nodes(service))
    }

    /// Returns the tree of an event and its descendants, or nil if the event is not in the tree.
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

    /// Returns the time from the first event of the tree to the event, in milliseconds.
    func millisecondsAfterStart(_ node: Node) -> Double {
        Self.milliseconds(from: start ?? node.event.occurredAt, to: node.event.occurredAt)
    }

    /// Returns the time from the parent to the event in milliseconds, or nil for a root.
    func millisecondsAfterCause(_ node: Node) -> Double? {
        node.parent.map {
            Self.milliseconds(from: nodes[$0].event.occurredAt, to: node.event.occurredAt)
        }
    }

    private static func milliseconds(from start: Timestamp, to end: Timestamp) -> Double {
        (end - start) / .milliseconds(1)
    }
}

extension CausalTree.Node {
    /// The heading of a root: its conversation, time, actor and trace.
    var conversation: String {
        "conversation \(event.correlationID), \(event.occurredAt), by \(actor ?? "-")"
            + (traceparent.map { ", trace \($0.traceID)" } ?? "")
    }

    /// The service that wrote the event, and the actor if it is another.
    var writer: String {
        guard let service, let actor, service != actor else { return service ?? actor ?? "-" }
        return "\(service) for \(actor)"
    }
}

extension RecordedEvent {
    /// The id of the event that this one reverses, from its tag, or nil.
    fileprivate var reversed: EventID? {
        tags.lazy.compactMap(EventID.init(reversalTag:)).first
    }
}

/// Builds the nodes of a tree.
private struct CausalTreeBuilder {
    private let events: [RecordedEvent]
    private let letters: DeadLetterNotes
    /// The indexes of the events by id.
    private var places: [EventID: Int] = [:]
    /// The indexes of the events by position.
    private var positions: [UInt64: Int] = [:]
    /// The indexes of each event's children, in log order.
    private var children: [[Int]]
    private var roots: [Int] = []
    /// The positions of reversals by the reversed event.
    private var reversals: [EventID: UInt64] = [:]
    private var services: [String?]

    init(_ events: [RecordedEvent]) {
        self.events = events
        letters = DeadLetterNotes(events)
        children = Array(repeating: [], count: events.count)
        services = Array(repeating: nil, count: events.count)
        for (place, event) in events.enumerated() {
            // The cause is looked up before the event is added. It is therefore an earlier event,
            // and there are no cycles even if events name false causes.
            let parent = cause(of: event)
            places[event.id] = place
            positions[event.position] = place
            if let reversed = event.reversed { reversals[reversed] = event.position }
            if let parent { children[parent].append(place) } else { roots.append(place) }
        }
    }

    /// Returns the index of an event's parent among the events before it, or nil for a root.
    private func cause(of event: RecordedEvent) -> Int? {
        if let letter = letters.closure(in: event)?.deadLetter, let place = positions[letter] {
            return place
        }
        return event.causationID == .none ? nil : places[event.causationID]
    }

    /// Returns the nodes of the tree. A stack replaces recursion, because a chain of causes can be
    /// as long as the log.
    mutating func nodes(_ service: (RecordedEvent) -> String?) -> [CausalTree.Node] {
        var nodes: [CausalTree.Node] = []
        nodes.reserveCapacity(events.count)
        // The stack of pending events, the next one last. A parent is an index of `nodes`.
        var waiting: [(place: Int, depth: Int, parent: Int?, isLast: Bool)] = []
        func wait(_ siblings: [Int], _ depth: Int, under parent: Int?) {
            for place in siblings.reversed() {
                waiting.append((place, depth, parent, isLast: place == siblings.last))
            }
        }
        wait(roots, 0, under: nil)
        while let (place, depth, parent, isLast) = waiting.popLast() {
            services[place] = writer(of: place, service)
            wait(children[place], depth + 1, under: nodes.count)
            nodes.append(node(place, depth, parent, isLast: isLast))
        }
        return nodes
    }

    /// Returns the service that wrote the event. A reversal has the service of the reversed event.
    private func writer(of place: Int, _ service: (RecordedEvent) -> String?) -> String? {
        let event = events[place]
        guard !event.category.hasPrefix("$") else { return "event-store" }
        if let reversed = event.reversed {
            // The reversed event is the parent, so its service is already known.
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
        var notes = [letters.note(on: event), AmendmentNotes.note(on: event)].compactMap(\.self)
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
            deadLetter: letters.letter(in: event), redriven: redrives.map(\.position),
            reverses: reversed, reversedBy: reversal, notes: notes)
    }
}
