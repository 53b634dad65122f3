/// Cuts a commit into parts that fit into the log's records, and joins them again.
///
/// A part is a byte of flags, which say whether it begins and whether it ends a commit, and then
/// the commit's bytes. A commit without its last part was cut short by a crash and never confirmed
/// to anyone, so readers drop it.
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

    /// Takes the next part. Returns the bytes of the whole commit if this is its last part.
    mutating func take(_ part: ArraySlice<UInt8>) throws(JournalFormatError) -> [UInt8]? {
        guard let flags = part.first, flags & ~(Flag.begins | Flag.ends) == 0 else {
            throw JournalFormatError("it is not a part of a commit")
        }
        if flags & Flag.begins != 0 { pending = [] }
        guard var commit = pending else {
            throw JournalFormatError("the beginning of its commit is missing")
        }
        pending = nil
        commit += part.dropFirst()
        if flags & Flag.ends != 0 { return commit }
        pending = commit
        return nil
    }
}
