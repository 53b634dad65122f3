import Bytes
public import EventSourcing
import JSON

/// The list of an archive's segments. Other objects are not part of the archive.
public struct ArchiveManifest: Hashable, Sendable {
    /// The version of the format that this program reads and writes.
    public static let formatVersion = 1

    /// The name of the archive.
    public let name: String
    /// The log whose events are archived. Positions are valid in this log only.
    public let log: EventID
    /// The version of the manifest. Each change raises it by one.
    public internal(set) var version: UInt64
    /// The first archived position. There may be no event at it.
    public internal(set) var from: UInt64
    /// The position up to which every event of the archive is archived.
    public internal(set) var checkpoint: UInt64
    /// The segments in order, without gaps between them.
    public internal(set) var segments: [ArchiveSegment]

    /// The number of archived events.
    public var events: Int { segments.reduce(0) { $0 + Int($1.events) } }
    /// The size of all segment objects, in bytes.
    public var storedBytes: Int {
        segments.reduce(0) { $0 + Int($1.storedBytes) + ArchiveSegmentHeader.size }
    }

    /// The position at which the next segment begins.
    var next: UInt64 { segments.last.map { $0.through + 1 } ?? from }

    /// Returns the key of the manifest of the archive with this name.
    public static func key(of name: String) -> String { "\(name)/manifest.jsonl" }

    /// Returns the key of the segment's object.
    public func key(of segment: ArchiveSegment) -> String { "\(name)/\(segment.name)" }

    static func check(name: String) throws(ArchiveError) {
        let others = "-_.".utf8
        guard (1...64).contains(name.utf8.count), name.first != ".",
            name.utf8.allSatisfy({ byte in
                others.contains(byte) || (48...57).contains(byte)
                    || (97...122).contains(byte | 0x20)
            })
        else { throw .invalidName(name) }
    }
}

/// The manifest as an object: JSON lines. The first is about the archive, then comes one for each
/// segment, and the last is the CRC32C of all before.
extension ArchiveManifest {
    private struct Head: Codable {
        let format: Int
        let archive: String
        let log: EventID
        let version, from, checkpoint: UInt64
        let segments: Int
    }

    private struct Format: Decodable { let format: Int }

    private struct Sum: Codable { let crc32c: UInt32 }

    func encoded() throws -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ line: some Encodable) throws {
            bytes += try JSON.encode(line)
            bytes.append(UInt8(ascii: "\n"))
        }
        try append(
            Head(
                format: Self.formatVersion, archive: name, log: log, version: version, from: from,
                checkpoint: checkpoint, segments: segments.count))
        for segment in segments { try append(segment) }
        try append(Sum(crc32c: CRC32C.checksum(bytes.span)))
        return bytes
    }

    /// Decodes a manifest.
    ///
    /// - Parameter name: the name that its archive must have.
    /// - Throws: `unknownVersion` or `damagedManifest`.
    init(_ bytes: [UInt8], of name: String) throws(ArchiveError) {
        let key = Self.key(of: name)
        func damaged(_ reason: String) -> ArchiveError { .damagedManifest(key, reason) }
        func decode<Value: Decodable>(_ line: ArraySlice<UInt8>) throws(ArchiveError) -> Value {
            do { return try JSON.decode(from: line) } catch { throw damaged("its JSON is invalid") }
        }
        let newline = UInt8(ascii: "\n")
        guard bytes.last == newline, let end = bytes.dropLast().lastIndex(of: newline) else {
            throw damaged("it is cut short")
        }
        let body = bytes[...end]
        let lines = body.split(separator: newline)
        guard let first = lines.first else { throw damaged("it is empty") }
        let version: Format = try decode(first)
        guard version.format == Self.formatVersion else {
            throw .unknownVersion(object: key, version.format)
        }
        let sum: Sum = try decode(bytes[(end + 1)...])
        guard sum.crc32c == CRC32C.checksum(body.span) else {
            throw damaged("its checksum does not match")
        }
        let head: Head = try decode(first)
        self.init(
            name: head.archive, log: head.log, version: head.version, from: head.from,
            checkpoint: head.checkpoint,
            segments: try lines.dropFirst().map { line throws(ArchiveError) in try decode(line) })
        guard head.segments == segments.count, isContinuous else {
            throw damaged("its segments do not follow each other")
        }
        guard self.name == name else { throw damaged("it is of the archive \(self.name)") }
    }

    private var isContinuous: Bool {
        guard from >= 1, checkpoint >= from - 1, checkpoint < .max else { return false }
        var next = from
        for segment in segments {
            guard segment.from == next, segment.from <= segment.first,
                segment.first <= segment.last, segment.last <= segment.through,
                segment.through <= checkpoint
            else { return false }
            next = segment.through + 1
        }
        return true
    }
}
