/// A string, or its beginning or end, compared without regard to case, character by character.
///
/// Each character matches itself, its lower case and its upper case, whatever their lengths. So `ß`
/// matches `SS`, but not `Ss`, and `i` matches neither `İ` nor `ı`.
struct CaselessText: Sendable {
    enum Part {
        case whole, prefix, suffix
    }

    let text: [UInt8]
    let part: Part
    private let variants: [[[UInt8]]]

    init(_ text: [UInt8], _ part: Part) {
        self.text = text
        self.part = part
        variants = String(decoding: text, as: UTF8.self).unicodeScalars.map(Self.variants)
    }

    /// Returns the forms of a character that match.
    ///
    /// No form begins or ends with another form of the same character, so the first that fits is
    /// the only one.
    static func variants(of scalar: Unicode.Scalar) -> [[UInt8]] {
        let properties = scalar.properties
        // A set of bytes and not of strings, because Swift considers some of these strings equal.
        let variants = [String(scalar), properties.lowercaseMapping, properties.uppercaseMapping]
        return Array(Set(variants.map { Array($0.utf8) }))
    }

    func matches(_ other: Span<UInt8>) -> Bool {
        switch part {
        case .whole: endOfPrefix(other) == other.count
        case .prefix: endOfPrefix(other) != nil
        case .suffix: isSuffix(of: other)
        }
    }

    private func isSuffix(of other: Span<UInt8>) -> Bool {
        var end = other.count
        for variants in variants.reversed() {
            guard let fit = variants.first(where: { other.holds($0, at: end - $0.count) })
            else { return false }
            end -= fit.count
        }
        return true
    }

    private func endOfPrefix(_ other: Span<UInt8>) -> Int? {
        var end = 0
        for variants in variants {
            guard let fit = variants.first(where: { other.holds($0, at: end) }) else {
                return nil
            }
            end += fit.count
        }
        return end
    }

    /// Returns a form that is the same for all strings that differ only in case, and for some
    /// others.
    ///
    /// It is the concatenation of the characters' forms.
    static func folded(_ text: Span<UInt8>) -> [UInt8] {
        var folded: [UInt8] = []
        folded.reserveCapacity(text.count)
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x80 else {
                let string = String(decoding: text.indices.map { text[$0] }, as: UTF8.self)
                return string.unicodeScalars.flatMap { self.folded($0).utf8 }
            }
            folded.append(65...90 ~= byte ? byte | 0x20 : byte)
        }
        return folded
    }

    /// Returns the lower case of the upper case of the lower case, where `ẞ`, `ß` and `SS` meet.
    static func folded(_ scalar: Unicode.Scalar) -> String {
        let upper = scalar.properties.lowercaseMapping.unicodeScalars
            .map(\.properties.uppercaseMapping).joined()
        return upper.unicodeScalars.map(\.properties.lowercaseMapping).joined()
    }
}
