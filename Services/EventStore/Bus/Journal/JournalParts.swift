/// Cuts what a commit writes into parts that fit into the log's records, and puts them together.
///
/// A part is a flag that says whether it begins a commit, one that says whether it ends one, and
/// the bytes. What a commit began and did not end was cut short by a crash, and was never
/// answered.
struct JournalParts {
    /// So that a part fits into a record, and an append of it into a segment.
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

    /// Takes the next part; gives what a commit wrote if this is its last.
    mutating func take(_ part: ArraySlice<UInt8>) throws(JournalFormatError) -> [UInt8]? {
        guard let flags = part.first, flags & ~(Flag.begins | Flag.ends) == 0 else {
            throw JournalFormatError("it is no part of a commit")
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
