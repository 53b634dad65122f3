public import EventSourcing
import Foundation
import JSON

/// Converts events to and from CloudEvents 1.0 in JSON, one per line (docs/protocol.md has the
/// mapping).
///
/// A written event reads back with the same bytes: id, stream, type, tags, correlation, causation,
/// content type, metadata and data. Its position and revision are written, too, but another log
/// assigns its own. Its time becomes the original time of the event in the other log.
public enum CloudEvents {
    /// The prefix of the source of an exported event. The log's identity follows.
    static let scheme = "daybook:"

    /// Returns the line of an event of `log`, without a line break.
    ///
    /// - Throws: `invalid` if the record can't be written exactly, because its producer
    ///   broke the rules.
    public static func line(
        _ event: RecordedEvent, of log: EventID
    ) throws(DaybookError) -> [UInt8] {
        var line = Array("{".utf8)
        line.reserveCapacity(event.bytes.count + 512)
        line.append(member: "specversion", text: "1.0")
        line.append(member: "id", text: event.id.description)
        line.append(member: "source", text: scheme + log.description)
        line.append(member: "type", text: event.type)
        line.append(member: "subject", text: event.stream.description)
        line.append(member: "time", text: (event.originalTime ?? event.time).description)
        line.append(member: "position", text: String(event.position))
        line.append(member: "revision", text: String(event.revision))
        line.append(member: "correlationid", text: event.correlationID.description)
        if event.causationID != .none {
            line.append(member: "causationid", text: event.causationID.description)
        }
        if !event.tags.isEmpty { line.append(member: "tags", text: TagList.text(event.tags)) }
        appendMetadata(of: event, to: &line)
        appendData(of: event, to: &line)
        line.append(UInt8(ascii: "}"))
        try require(
            isExact(line, event), .invalid,
            "the event at position \(event.position) can't be exported exactly: a name or tag is "
                + "not UTF-8, or a reserved byte is not zero")
        return line
    }

    /// Reads the line again, because only that shows that nothing was lost.
    private static func isExact(_ line: [UInt8], _ event: RecordedEvent) -> Bool {
        var record: [UInt8] = []
        guard var read = try? self.event(line[...]) else { return false }
        if event.originalTime == nil { read.originalTime = nil }
        guard (try? read.encode(into: &record)) != nil else { return false }
        return record.dropFirst(RecordLayout.headSize).elementsEqual(event.body)
    }

    private static func appendMetadata(of event: RecordedEvent, to line: inout [UInt8]) {
        guard !event.metadata.isEmpty else { return }
        if let text = String(validating: event.metadata, as: UTF8.self),
            !text.unicodeScalars.contains(where: \.isControl)
        {
            line.append(member: "metadata", text: text)
        } else {
            line.append(member: "metadatabase64", text: base64(event.metadata))
        }
    }

    private static func appendData(of event: RecordedEvent, to line: inout [UInt8]) {
        let (contentType, data) = (event.contentType, event.data)
        if !contentType.isEmpty { line.append(member: "datacontenttype", text: contentType) }
        guard !data.isEmpty else { return }
        if isJSON(contentType), JSONScanner.isOneLine(data) {
            line.append(member: "data", data)
        } else if !isJSON(contentType), let text = String(validating: data, as: UTF8.self) {
            line.append(member: "data", text: text)
        } else {
            line.append(member: "data_base64", text: base64(data))
        }
    }

    /// Returns whether data of this type is JSON, which is also the case without a type.
    public static func isJSON(_ contentType: String) -> Bool {
        let mediaType = contentType.prefix { $0 != ";" }.lowercased()
            .trimmingCharacters(in: .whitespaces)
        return contentType.isEmpty || mediaType.hasSuffix("/json") || mediaType.hasSuffix("+json")
    }

    private static func base64(_ bytes: ArraySlice<UInt8>) -> String {
        Data(bytes).base64EncodedString()
    }
}
