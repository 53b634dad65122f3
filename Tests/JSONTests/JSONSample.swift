import TestSupport

/// A value with members of many kinds, as random as its generator.
struct JSONSample: Codable, Hashable {
    enum Shape: Codable, Hashable {
        case point
        case circle(radius: Int64)
        case polygon([Int])
    }

    var text: String
    var note: String?
    var isSet: Bool
    var small: Int8
    var large: UInt64
    var sum: Int64
    var share: Double
    var ratio: Float?
    var shapes: [Shape]
    var counts: [String: Int32]
    var parts: [JSONSample]

    init(_ random: inout SplitMix, depth: Int = 2) {
        func text() -> String {
            let characters: [Character] = [
                "a", "z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{8}", "\u{C}", "\u{1}",
                "\u{1F}", "\u{7F}", "ü", "e\u{301}", "€", "😀", "\u{2028}",
            ]
            return String(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    characters.randomElement(using: &random)!  // The list is not empty.
                })
        }
        func number<Number: FixedWidthInteger>() -> Number {
            Bool.random(using: &random)
                ? .random(in: .min ... .max, using: &random)
                : Bool.random(using: &random) ? 0 : .max
        }
        (self.text, note) = (text(), Bool.random(using: &random) ? text() : nil)
        isSet = .random(using: &random)
        (small, large, sum) = (number(), number(), number())
        share = Bool.random(using: &random) ? Double(number() as Int32) : 1 / Double(sum | 1)
        ratio = Bool.random(using: &random) ? 0.25 : nil
        shapes = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            [.point, .circle(radius: number()), .polygon([1, 2, 3])][
                Int.random(in: 0...2, using: &random)]
        }
        counts = [:]
        for _ in 0..<Int.random(in: 0...50, using: &random) { counts[text()] = number() }
        parts = []
        guard depth > 0 else { return }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            parts.append(JSONSample(&random, depth: depth - 1))
        }
    }
}
