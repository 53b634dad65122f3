public import EventSourcing

extension EventPattern {
    /// A query that matches every event that the pattern matches, so that an index can skip other
    /// events.
    ///
    /// It uses the exact values of `stream`, `resources`, `category`, `source`, `detail-type`,
    /// `tags` and `correlation-id`. It is `.all` if the pattern has none of them.
    public var query: EventQuery {
        var items: [EventQuery.Item] = []
        for requirements in requirements {
            var item = EventQuery.Item()
            for requirement in requirements { requirement.narrow(&item) }
            guard !item.isUnconditional else { return .all }
            if !items.contains(item) { items.append(item) }
        }
        return EventQuery(items)
    }
}

extension Requirement {
    fileprivate func narrow(_ item: inout EventQuery.Item) {
        guard let attribute = Attribute(rawValue: String(decoding: path, as: UTF8.self)),
            let values = exactStrings
        else { return }
        switch attribute {
        case .stream, .resources: item.streams = values.compactMap { try? StreamName($0) }
        case .category: item.categories = values
        case .source where item.categories.isEmpty:
            item.categories = values.filter { $0.hasPrefix(Attribute.sourcePrefix) }
                .map { String($0.dropFirst(Attribute.sourcePrefix.count)) }
        case .detailType: item.types = values
        case .tags where values.count == 1: item.tags = values
        case .correlationID: item.correlations = values.compactMap { EventID($0) }
        default: break
        }
    }

    /// The values one of which the field must have, or nil.
    ///
    /// Nil if there are more than a query may hold. Values too long for a name are left out.
    private var exactStrings: [String]? {
        guard !acceptsAbsence, conditions.count == 1, case .strings(let strings) = conditions[0]
        else { return nil }
        let values = strings.strings.map { String(decoding: $0, as: UTF8.self) }
            .filter { (1...EventSourcing.Limits.nameBytes).contains($0.utf8.count) }
        return values.count <= 1000 ? values : nil
    }
}
