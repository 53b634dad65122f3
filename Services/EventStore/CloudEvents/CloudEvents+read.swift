public import EventSourcing
import JSON

extension CloudEvents {
    /// Returns the event of a line, ready to append.
    ///
    /// An exported event comes back unchanged, with its time as the original time. An event of
    /// another producer goes to the stream that its subject names. Attributes without a field in a
    /// record go to its metadata.
    ///
    /// - Parameters:
    ///   - stream: the stream of the event, whatever its subject. Nil to use the subject.
    ///   - mayBeAmended: whether to accept an event that `read --json` shows as amended.
    /// - Throws: `invalid` if the line is not a valid event.
    public static func event(
        _ line: ArraySlice<UInt8>, to stream: StreamName? = nil, mayBeAmended: Bool = false
    ) throws(DaybookError) -> NewEvent {
        try read(line, to: stream, mayBeAmended: mayBeAmended).event
    }

    /// Returns the event of a line, and what the line says about the log that exported it.
    static func read(
        _ line: ArraySlice<UInt8>, to stream: StreamName?, mayBeAmended: Bool = false
    ) throws(DaybookError) -> ReadEvent {
        var attributes = try Attributes(line)
        let version = try attributes.required("specversion")
        try require(
            version == "1.0", .invalid, "its 'specversion' is '\(version)', not '1.0'")
        let source = try attributes.required("source")
        guard source.hasPrefix(scheme) else {
            return ReadEvent(
                event: try foreign(&attributes, from: source, to: stream), position: nil,
                isSystem: false)
        }
        let amended = ["amended", "skipped"].filter { attributes.remove($0) }
        try require(
            amended.isEmpty || mayBeAmended, .invalid,
            "it is \(amended.first ?? ""), so it is not what was appended; "
                + "'event-store export' writes that")
        return try own(&attributes, to: stream)
    }

    private static func own(
        _ attributes: inout Attributes, to stream: StreamName?
    ) throws(DaybookError) -> ReadEvent {
        let subject = attributes.rest["subject"].flatMap(JSONScanner.text(of:)) ?? ""
        let contentType = try attributes.text("datacontenttype") ?? ""
        let metadata = try attributes.text("metadata").map { Array($0.utf8) }
        let metadataBytes = try attributes.base64("metadatabase64")
        try require(
            metadata == nil || metadataBytes == nil, .invalid,
            "it has both 'metadata' and 'metadatabase64'")
        var event = NewEvent(
            id: try attributes.needed("id", "a UUID"),
            stream: try attributes.stream(stream),
            type: try attributes.required("type"),
            tags: try attributes.tags(),
            correlationID: try attributes.needed("correlationid", "a UUID") as EventID,
            causationID: try attributes.value("causationid", "a UUID") ?? EventID.none,
            contentType: contentType, metadata: metadata ?? metadataBytes ?? [],
            data: try attributes.data(of: contentType))
        let position: UInt64 = try attributes.needed("position", "a position")
        // Checked but not used: the log that the event is appended to gives its own.
        let _: UInt64 = try attributes.needed("revision", "a revision")
        event.originalTime = try attributes.needed("time", "an RFC 3339 time") as Timestamp
        if let name = attributes.rest.keys.min() {
            throw DaybookError(.invalid, "it has '\(name)', which an exported event does not have")
        }
        return ReadEvent(
            event: event, position: position, isSystem: StreamName.isSystem(category: subject))
    }

    private static func foreign(
        _ attributes: inout Attributes, from source: String, to stream: StreamName?
    ) throws(DaybookError) -> NewEvent {
        let id = try attributes.required("id")
        let contentType = try attributes.text("datacontenttype") ?? "application/json"
        let type = try attributes.required("type")
        let data = try attributes.data(of: contentType)
        if let time = attributes.rest["time"],
            JSONScanner.text(of: time).flatMap({ Timestamp($0) }) == nil
        {
            throw DaybookError(.invalid, "its 'time' is not an RFC 3339 time")
        }
        let kept = try attributes.kept(id: id, source: source)
        return NewEvent(
            // The source and the id together are unique, not the id alone.
            id: EventID(id) ?? urlNamespace.derived(source).derived(id),
            stream: try attributes.stream(stream), type: type, contentType: contentType,
            metadata: kept, data: data)
    }

    /// The name space of URLs (RFC 9562, section 6.6).
    private static let urlNamespace = EventID(
        high: 0x6ba7_b811_9dad_11d1, low: 0x80b4_00c0_4fd4_30c8)
}

extension Attributes {
    fileprivate mutating func needed<Value: LosslessStringConvertible>(
        _ name: String, _ what: String
    ) throws(DaybookError) -> Value {
        try value(name, what).orThrow(.invalid, "it has no '\(name)'")
    }

    /// Returns the given stream, or the one that the subject names.
    fileprivate mutating func stream(
        _ given: StreamName?
    ) throws(DaybookError) -> StreamName {
        let subject = try text("subject")
        if let given { return given }
        let name = try subject.orThrow(
            .invalid, "it has no 'subject' that names its stream; give --stream")
        do throws(DaybookError) {
            return try StreamName(name)
        } catch {
            throw DaybookError(
                .invalid, "its 'subject' is not a stream name (\(error)); give --stream")
        }
    }

    fileprivate mutating func tags() throws(DaybookError) -> [String] {
        guard let text = try text("tags") else { return [] }
        return try TagList.tags(in: text)
            .orThrow(.invalid, "its 'tags' are not percent-encoded UTF-8")
    }

    /// Returns all remaining attributes with `id` and `source` as metadata, `{"cloudevent":{…}}`.
    ///
    /// They are sorted by name, so that the same event always has the same metadata.
    fileprivate func kept(id: String, source: String) throws(DaybookError) -> [UInt8] {
        var kept = Array("{".utf8)
        var values = rest
        for (name, text) in [("id", id), ("source", source)] {
            var value: [UInt8] = []
            value.append(json: text)
            values[name] = value[...]
        }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let first = value.first, first != UInt8(ascii: "{"), first != UInt8(ascii: "[")
            else { throw DaybookError(.invalid, "its '\(name)' is an object or a list") }
            if let text = JSONScanner.text(of: value) {
                kept.append(member: name, text: text)
            } else {
                kept.append(member: name, value)
            }
        }
        var metadata = Array("{".utf8)
        metadata.append(member: "cloudevent", kept + [UInt8(ascii: "}")])
        return metadata + [UInt8(ascii: "}")]
    }
}

/// An event that was read from a line, and what the line says about the log that exported it.
struct ReadEvent {
    let event: NewEvent
    /// The event's position in that log, or nil for an event of another producer.
    let position: UInt64?
    /// Whether a system stream of that log holds the event, whatever stream it goes to.
    let isSystem: Bool
}
