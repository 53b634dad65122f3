public import EventSourcing

extension Contract {
    /// Checks an event against the contract of its stream's category: the category has the type,
    /// the data can be read, and it is about the entity that the stream belongs to.
    ///
    /// A category outside the suite may have any events.
    ///
    /// - Throws: `invalid`, with the field that is wrong and the schema.
    public static func check(
        type: String, data: ArraySlice<UInt8>, in stream: StreamName
    ) throws(DaybookError) {
        guard let family = family(of: stream.category) else { return }
        let known = family.types + family.upcasters.types
        try require(known.contains(type), .invalid, unknown(type, of: stream.category, known))
        let schema = "its schema is docs/schemas/\(type).json"
        let events: [any PublishedPayloadFamily]
        do {
            events = try family.events(type, data)
        } catch {
            // Foundation's reasons end with a point.
            let reason = "\(error)"
            throw DaybookError(
                .invalid, "\(reason.hasSuffix(".") ? reason.dropLast() : reason[...]); \(schema)")
        }
        for event in events {
            try require(
                event.entity == stream.id, .invalid,
                "the data of this \(type) is about '\(event.entity)', but its stream is \(stream); "
                    + "it belongs to \(stream.category)-\(event.entity), and \(schema)")
        }
    }

    /// Returns how to undo an event that its contract can read, or nil if there is no such contract
    /// or the event is not what the contract says.
    public static func remedy(for event: RecordedEvent) -> String? {
        guard let family = family(of: event.category),
            (try? check(type: event.type, data: event.data, in: event.stream)) != nil,
            let payload = try? family.events(event.type, event.data).first
        else { return nil }
        let writer = Swift.type(of: payload.payload).writer
        return payload.obstacle(toReversalBy: writer)
            ?? "reverse it with: \(writer) reverse \(event.position) --reason <text>"
    }

    private static func family(of category: String) -> (any PublishedPayloadFamily.Type)? {
        families.first { $0.categories == [category] }
    }

    private static func unknown(_ type: String, of category: String, _ known: [String]) -> String {
        let nearest = known.min { $0.distance(to: type) < $1.distance(to: type) } ?? ""
        let isNear = nearest.distance(to: type) <= max(2, type.count / 3)
        return "category '\(category)' has no event type '\(type)'; "
            + (isNear ? "did you mean '\(nearest)'?" : "it has \(known.joined(separator: ", "))")
    }
}

extension PublishedPayloadFamily {
    /// Returns the events that data of this type is in the current versions.
    fileprivate static func events(
        _ type: String, _ data: ArraySlice<UInt8>
    ) throws -> [any PublishedPayloadFamily] {
        try upcasters.upcast(.init(type: type, data: data)).compactMap {
            try Self(type: $0.type, data: $0.data)
        }
    }
}

extension String {
    /// Returns how many characters must be inserted, removed or replaced to get `other`
    /// (Levenshtein).
    fileprivate func distance(to other: String) -> Int {
        let other = Array(other.lowercased())
        var row = Array(0...other.count)
        for (index, character) in lowercased().enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let replaced = diagonal + (other[column] == character ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = Swift.min(replaced, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[other.count]
    }
}
