import EventSourcing

/// The ends of the streams and categories in use. The segments hold those of all others.
struct Heads {
    private static let streams = 500_000
    private static let categories = 50_000

    private var revisions = GenerationalCache<String, UInt64>(generationSize: streams)
    private var positions = GenerationalCache<String, UInt64>(generationSize: categories)

    /// The revision of the stream's last event.
    subscript(stream name: String) -> UInt64? {
        mutating get { revisions[name] }
        set { revisions[name] = newValue }
    }

    /// The position of the category's last event, or 0 if it is known to have none.
    subscript(category name: String) -> UInt64? {
        mutating get { positions[name] }
        set { positions[name] = newValue }
    }
}

/// The place of an event, without its position.
struct Place {
    let stream: String
    let category: String
    let revision: UInt64
    /// The position of the event before it in its category, or 0.
    let previous: UInt64
}
