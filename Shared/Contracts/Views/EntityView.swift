public import EventSourcing

/// The view of an entity. It names the last event that it shows.
public protocol EntityView: Codable, Hashable, Sendable, Identifiable {
    /// The position of the last event in this view.
    var position: UInt64 { get set }
    /// The time of that event.
    var updatedAt: Timestamp { get set }
}

extension Table where Row: EntityView {
    /// Stores a view whose last event is `recorded`.
    public mutating func put(_ view: Row, after recorded: Recorded<some Sendable>) {
        var view = view
        view.position = recorded.position
        view.updatedAt = recorded.time
        self[view.id] = view
    }

    /// Changes the view with this id, if there is one. Its last event is then `recorded`.
    public mutating func update(
        _ id: Row.ID, after recorded: Recorded<some Sendable>, _ change: (inout Row) -> Void
    ) {
        guard var view = self[id] else { return }
        change(&view)
        put(view, after: recorded)
    }
}
