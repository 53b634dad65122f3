import Bytes
public import EventSourcing
import Foundation

/// Which segments an archive is made of: what it does not list is not archived.
public struct ArchiveManifest: Hashable, Sendable {
    public static let formatVersion = 1

    public let name: String
    /// The log whose events are archived: positions mean something there only.
    public let log: EventID
    /// Rises by one with every change.
    public internal(set) var version: UInt64
    /// The first position that is archived, be there an event or not.
    public internal(set) var from: UInt64
    /// All events up to this position that are to be archived are.
    public internal(set) var checkpoint: UInt64
    /// One behind the other, without gaps.
    public internal(set) var segments: [ArchiveSegment]

    public var events: Int { segments.reduce(0) { $0 + Int($1.events) } }
    /// Of the objects.
    public var storedBytes: Int {
        segments.reduce(0) { $0 + Int($1.storedBytes) + ArchiveSegmentHeader.size }
    }

    /// Where the next segment begins.
    var next: UInt64 { segments.last.map { $0.through + 1 } ?? from }

    public static func key(of name: String) -> String { "\(name)/manifest.jsonl" }

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

/// As an object: JSON, one line about the archive, one for each segment, and the CRC32C of them
/// all.
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let newline = Data("\n".utf8)
        var data =
            try encoder.encode(
                Head(
                    format: Self.formatVersion, archive: name, log: log, version: version,
                    from: from, checkpoint: checkpoint, segments: segments.count)) + newline
        for segment in segments { data += try encoder.encode(segment) + newline }
        data += try encoder.encode(Sum(crc32c: CRC32C.checksum(Array(data).span))) + newline
        return Array(data)
    }

    /// - Parameter name: of the archive that it must be of.
    init(_ bytes: [UInt8], of name: String) throws(ArchiveError) {
        let key = Self.key(of: name)
        do {
            self = try Self.decoded(bytes, key)
        } catch let error as ArchiveError {
            throw error
        } catch {
            throw .damagedManifest(key, "it is no JSON of this kind")
        }
        guard self.name == name else {
            throw .damagedManifest(key, "it is of the archive \(self.name)")
        }
    }

    private static func decoded(_ bytes: [UInt8], _ key: String) throws -> ArchiveManifest {
        let newline = UInt8(ascii: "\n")
        guard bytes.last == newline, let end = bytes.dropLast().lastIndex(of: newline) else {
            throw ArchiveError.damagedManifest(key, "it is cut short")
        }
        let decoder = JSONDecoder()
        let body = Array(bytes[...end])
        let lines = body.split(separator: newline)
        guard let first = lines.first else {
            throw ArchiveError.damagedManifest(key, "it is empty")
        }
        let format = try decoder.decode(Format.self, from: Data(first)).format
        guard format == formatVersion else {
            throw ArchiveError.unknownVersion(object: key, format)
        }
        let sum = try decoder.decode(Sum.self, from: Data(bytes[(end + 1)...])).crc32c
        guard sum == CRC32C.checksum(body.span) else {
            throw ArchiveError.damagedManifest(key, "its checksum does not match")
        }
        let head = try decoder.decode(Head.self, from: Data(first))
        let manifest = ArchiveManifest(
            name: head.archive, log: head.log, version: head.version, from: head.from,
            checkpoint: head.checkpoint,
            segments: try lines.dropFirst().map {
                try decoder.decode(ArchiveSegment.self, from: Data($0))
            })
        guard head.segments == manifest.segments.count, manifest.isContinuous else {
            throw ArchiveError.damagedManifest(key, "its segments are not one behind the other")
        }
        return manifest
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
