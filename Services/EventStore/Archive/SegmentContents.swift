import Bytes
import EventSourcing

/// The valid events of a segment's object, up to the first damage if there is any.
struct SegmentContents: Sendable {
    private(set) var events: [RecordedEvent] = []
    private(set) var damage: ArchiveError?

    /// Decodes and checks the object.
    ///
    /// - Parameter key: the object's key, for error messages.
    init(_ object: [UInt8], of segment: ArchiveSegment, log: EventID, key: String) {
        damage = ArchiveSegmentHeader.damage(of: object, segment, log: log, key: key)
        guard damage == nil else { return }
        guard Int(segment.bytes) <= ArchiveSegment.maximumBytes else {
            damage = segment.damage(
                at: key,
                "it declares records of \(segment.bytes) bytes, but a segment has up to "
                    + "\(ArchiveSegment.maximumBytes)")
            return
        }
        let stored = object.dropFirst(ArchiveSegmentHeader.size)
        let records =
            switch segment.codec {
            case .stored: Array(stored)
            case .zlib: Zlib.decompressed(stored, count: Int(segment.bytes))
            }
        let problem = take(records, of: segment)
        let isWhole =
            stored.count == Int(segment.storedBytes)
            && CRC32C.checksum(stored.span) == segment.storedChecksum
            && records.count == Int(segment.bytes)
            && CRC32C.checksum(records.span) == segment.checksum
        guard problem != nil || !isWhole else { return }
        // The events may all be valid although the segment's checksum is wrong. Then none is
        // missing, but the object must still be replaced.
        damage = segment.damage(
            at: key, after: events.last?.position, problem ?? "its checksum does not match")
    }

    /// Takes the records up to the first that is invalid or out of order. Returns the reason, or
    /// nil if all are valid.
    private mutating func take(_ records: [UInt8], of segment: ArchiveSegment) -> String? {
        var rest = records[...]
        var lowest = segment.first
        while !rest.isEmpty {
            do {
                let event = try RecordedEvent(rest)
                try event.verify()
                guard (lowest...max(lowest, segment.last)).contains(event.position) else {
                    return "position \(event.position) is out of place"
                }
                events.append(event)
                lowest = event.position + 1
                rest = rest.dropFirst(event.bytes.count)
            } catch {
                return "\(error)"
            }
        }
        guard events.count == Int(segment.events), events.last?.position == segment.last else {
            return "it has \(events.count) events, not \(segment.events)"
        }
        return nil
    }
}
