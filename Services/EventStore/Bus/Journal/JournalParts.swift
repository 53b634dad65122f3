import EventSourcing

/// Cuts a commit into parts that fit into the log's records, and joins them again.
///
/// A part is a byte of flags, followed by bytes of the commit. The flags say whether the part is
/// the commit's first or last one. A crash can cut off a commit's last part. Nobody got an answer
/// that depends on such a commit, so readers drop it.
struct JournalParts {
    /// The largest part: it fits into a record, and an append of it into a segment.
    static let maximumBytes = 512 << 10

    private enum Flag {
        static let begins: UInt8 = 1
        static let ends: UInt8 = 2
    }

    private var pending: [UInt8]?

    static func cut(_ bytes: [UInt8]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(maximumBytes)
            rest = rest.dropFirst(part.count)
            let flags =
                (parts.isEmpty ? Flag.begins : 0) | (rest.isEmpty ? Flag.ends : 0)
            parts.append([flags] + part)
        } while !rest.isEmpty
        return parts
    }

    /// Adds the next part. Returns the bytes of the whole commit if this is its last part.
    mutating func append(_ part: ArraySlice<UInt8>) throws(DaybookError) -> [UInt8]? {
        guard let flags = part.first, flags & ~(Flag.begins | Flag.ends) == 0 else {
            throw DaybookError(.damaged, "it is not a part of a commit")
        }
        if flags & Flag.begins != 0 { pending = [] }
        guard var commit = pending else {
            throw DaybookError(.damaged, "the beginning of its commit is missing")
        }
        pending = nil
        commit += part.dropFirst()
        if flags & Flag.ends != 0 { return commit }
        pending = commit
        return nil
    }
}
