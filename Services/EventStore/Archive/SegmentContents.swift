import Bytes
import EventSourcing

/// The valid events of a segment's object, up to the first damage if there is any.
struct SegmentContents: Sendable {
    private(set) var events: [RecordedEvent] = []
    private(set) var damage: ArchiveError?

    /// Decodes and checks the object, away from the caller's thread.
    ///
    /// - Parameter key: the object's key, for error messages.
    @concurrent static func read(
        _ object: [UInt8], of segment: ArchiveSegment, log: EventID, key: String
    ) async -> SegmentContents {
        SegmentContents(object, of: segment, log: log, key: key)
    }

    init(_ object: [UInt8], of segment: ArchiveSegment, log: EventID, key: String) {
        do throws(ArchiveError) {
            try Self.checkHeader(object, segment, log, key)
        } catch {
            damage = error
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
        damage = .damaged(
            segment: key, validThrough: events.last?.position ?? segment.from - 1,
            last: segment.through, problem ?? "its checksum does not match")
    }

    private static func checkHeader(
        _ object: [UInt8], _ segment: ArchiveSegment, _ log: EventID, _ key: String
    ) throws(ArchiveError) {
        let reason: String
        do throws(ArchiveSegmentHeader.Problem) {
            let (header, headerLog) = try ArchiveSegmentHeader.read(object.span)
            guard header != segment || headerLog != log else { return }
            reason = "its header differs from the manifest"
        } catch {
            if case .unknownVersion(let version) = error {
                throw .unknownVersion(object: key, version)
            }
            reason = "its header is invalid"
        }
        throw .damaged(
            segment: key, validThrough: segment.from - 1, last: segment.through, reason)
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
