/// A string in which each `*` stands for any run of bytes, the empty one too.
struct Wildcard: Sendable {
    /// What stands before, between and behind the stars; no star: one part, the whole string.
    let parts: [[UInt8]]

    /// Why a text is no wildcard.
    struct Refusal: Error { let reason: String }

    init(_ text: [UInt8]) throws(Refusal) {
        var parts: [[UInt8]] = [[]]
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst(),
                    escaped == UInt8(ascii: "*") || escaped == UInt8(ascii: "\\")
                else {
                    throw Refusal(
                        reason: #"a backslash in a wildcard stands before "*" or another: \* or \\"#
                    )
                }
                parts[parts.count - 1].append(escaped)
            case UInt8(ascii: "*"):
                guard rest.first != UInt8(ascii: "*") else {
                    throw Refusal(reason: "a wildcard has no '**'; write one '*'")
                }
                parts.append([])
            default: parts[parts.count - 1].append(byte)
            }
        }
        guard parts.count <= EventPattern.Limits.stars + 1 else {
            throw Refusal(reason: "a wildcard has at most \(EventPattern.Limits.stars) '*'")
        }
        self.parts = parts
    }

    /// Each part is taken where it first occurs behind the one before: if any placing fits, that
    /// one does, so there is nothing to try again.
    func matches(_ text: Span<UInt8>) -> Bool {
        guard parts.count > 1 else { return text.elementsEqual(parts[0]) }
        guard text.hasPrefix(parts[0]) else { return false }
        var at = parts[0].count
        let last = parts.count - 1
        for index in 1..<last {
            while !text.holds(parts[index], at: at) {
                at += 1
                guard at < text.count else { return false }
            }
            at += parts[index].count
        }
        return text.count - at >= parts[last].count && text.hasSuffix(parts[last])
    }
}
