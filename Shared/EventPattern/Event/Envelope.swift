import EventSourcing

/// The attributes of an event that patterns can use: those of EventBridge's envelope, and
/// Daybook's.
///
/// docs/event-patterns.md explains each of them.
enum Attribute: String, CaseIterable, Sendable {
    case version, id, source, time, resources, account, region, detail
    case detailType = "detail-type"
    case replayName = "replay-name"
    case stream, category, tags, position, revision, metadata
    case correlationID = "correlation-id"
    case causationID = "causation-id"

    /// The text before the category in an event's source.
    static let sourcePrefix = "daybook."
}

/// The paths that some patterns use, and the attributes where they begin.
struct Envelope: Sendable {
    private(set) var tree = FieldTree()
    /// The used attributes, with their nodes in the tree.
    private var attributes: [(Attribute, node: Int)] = []

    mutating func field(of path: [UInt8]) -> Int {
        let field = tree.field(of: path)
        attributes = Attribute.allCases.compactMap { attribute in
            tree.child(of: FieldTree.root, named: Array(attribute.rawValue.utf8).span)
                .map { (attribute, $0) }
        }
        return field
    }

    /// Returns the values of `event` at the paths.
    func fields(of event: RecordedEvent, replayName: String?) -> EventFields {
        let record = event.bytes.span
        var reader = EventReader(tree)
        // Every event has a valid header, or it would not exist.
        guard let header = RecordHeader(record) else { return reader.fields }
        for (attribute, node) in attributes {
            switch attribute {
            case .detail where header.hasJSONData(record):
                reader.read(header.data, of: record, at: node)
            case .metadata: reader.read(header.metadata, of: record, at: node)
            default:
                guard let field = tree.field(at: node) else { continue }
                add(attribute, of: event, header, replayName, to: field, &reader)
            }
        }
        return reader.fields
    }

    private func add(
        _ attribute: Attribute, of event: RecordedEvent, _ header: RecordHeader,
        _ replayName: String?, to field: Int, _ reader: inout EventReader
    ) {
        switch attribute {
        case .version: reader.add("0", to: field)
        case .account, .region: reader.add("", to: field)
        case .id: reader.add(header.id.description, to: field)
        case .source: reader.add(Attribute.sourcePrefix + event.category, to: field)
        case .detailType: reader.add(header.type, to: field)
        case .time: reader.add(event.occurredAt.description, to: field)
        case .stream, .resources: reader.add(header.stream, to: field)
        case .category: reader.add(header.category(event.bytes.span), to: field)
        case .tags: for tag in header.tags(event.bytes.span) { reader.add(tag, to: field) }
        case .position: reader.add(header.position, to: field)
        case .revision: reader.add(header.revision, to: field)
        case .correlationID: reader.add(header.correlationID.description, to: field)
        case .causationID:
            if header.causationID != .none {
                reader.add(header.causationID.description, to: field)
            }
        case .replayName: if let replayName { reader.add(replayName, to: field) }
        case .detail, .metadata: break
        }
    }
}

extension RecordHeader {
    /// Returns the range of the stream name before its first hyphen.
    fileprivate func category(_ record: Span<UInt8>) -> Range<Int> {
        let hyphen = stream.first { record[$0] == UInt8(ascii: "-") }
        return stream.lowerBound..<(hyphen ?? stream.upperBound)
    }

    /// Returns the range of each tag, after its length byte.
    fileprivate func tags(_ record: Span<UInt8>) -> [Range<Int>] {
        var at = tags.lowerBound
        return (0..<tagCount).map { _ in
            let start = at + 1
            at = start + Int(record[at])
            return start..<at
        }
    }

    /// Returns whether the data is JSON by its content type.
    ///
    /// That is `application/json` or `<anything>+json`, with or without parameters, or an empty
    /// content type.
    fileprivate func hasJSONData(_ record: Span<UInt8>) -> Bool {
        var end = contentType.first { record[$0] == UInt8(ascii: ";") } ?? contentType.upperBound
        while end > contentType.lowerBound, record[end - 1] == UInt8(ascii: " ") { end -= 1 }
        let name = CaselessText.folded(record.extracting(contentType.lowerBound..<end))
        return name.isEmpty || name == Array("application/json".utf8)
            || name.suffix(5) == Array("+json".utf8)[...]
    }
}
