/// A string in which each `*` stands for any number of bytes, including none.
struct Wildcard: Sendable {
    /// The parts before, between and after the stars. Without stars, one part is the whole string.
    let parts: [[UInt8]]

    /// Why a text is not a wildcard.
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
                        reason: #"in a wildcard, escape only "*" and the backslash: \* or \\"#
                    )
                }
                parts[parts.count - 1].append(escaped)
            case UInt8(ascii: "*"):
                guard rest.first != UInt8(ascii: "*") else {
                    throw Refusal(reason: "a wildcard can't have '**'; write one '*'")
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

    /// Returns whether the text matches.
    ///
    /// Each part is taken at its first occurrence after the part before. If any placement fits,
    /// this one does, so there is nothing to retry.
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
