/// A string in which each `*` stands for any number of bytes, including none.
struct Wildcard: Sendable {
    /// The parts before, between and after the stars. Without stars, one part is the whole string.
    let parts: [[UInt8]]

    /// Returns whether the text matches.
    ///
    /// Each part is taken at its first occurrence after the part before. If any placement fits,
    /// this one does, so there is nothing to retry.
    func matches(_ text: Span<UInt8>) -> Bool {
        guard parts.count > 1 else { return text.elementsEqual(parts[0]) }
        guard text.holds(parts[0], at: 0) else { return false }
        var at = parts[0].count
        let last = parts.count - 1
        for index in 1..<last {
            while !text.holds(parts[index], at: at) {
                at += 1
                guard at < text.count else { return false }
            }
            at += parts[index].count
        }
        let lastStart = text.count - parts[last].count
        return lastStart >= at && text.holds(parts[last], at: lastStart)
    }
}
