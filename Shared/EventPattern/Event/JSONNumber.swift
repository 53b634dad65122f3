/// The value of a JSON number's text.
///
/// A number is compared as a double if the shortest decimal that its double prints as has the same
/// value. So each double stands for one value. Any other number, such as 9007199254740993, would be
/// confused with its neighbors. It equals only the same text.
enum JSONNumber {
    /// Returns the double that stands for the number in `bytes`, or nil.
    static func double(_ bytes: Span<UInt8>) -> Double? {
        guard let decimal = Decimal(bytes) else { return nil }
        guard decimal.significand != 0 else { return 0 }
        let magnitude = quick(decimal) ?? careful(decimal, bytes)
        return bytes[0] == UInt8(ascii: "-") ? magnitude.map { -$0 } : magnitude
    }

    /// Returns the double with the value of an integer, or nil if no double prints as that integer.
    static func double(_ number: UInt64) -> Double? {
        number < 1 << 53 ? Double(number) : double(Array(String(number).utf8).span)
    }

    /// Converts decimals of up to fifteen digits, and integers below 2^53. Both operands are exact
    /// doubles, so one multiplication or division rounds to the nearest double.
    private static func quick(_ decimal: Decimal) -> Double? {
        if decimal.exponent == 0, decimal.significand < 1 << 53 {
            return Double(UInt64(decimal.significand))
        }
        guard decimal.significand < 1_000_000_000_000_000,
            abs(decimal.exponent) < powersOf10.count
        else { return nil }
        let (digits, power) = (Double(UInt64(decimal.significand)), abs(decimal.exponent))
        return decimal.exponent < 0 ? digits / powersOf10[power] : digits * powersOf10[power]
    }

    private static func careful(_ decimal: Decimal, _ bytes: Span<UInt8>) -> Double? {
        let text = String(decoding: (0..<bytes.count).map { bytes[$0] }, as: UTF8.self)
        guard let double = Double(text)?.magnitude, double.isFinite else { return nil }
        return Decimal(Array(double.description.utf8).span) == decimal ? double : nil
    }

    private static let powersOf10 = (0..<23).map { power in
        (0..<power).reduce(1.0) { product, _ in product * 10 }
    }
}

/// A decimal number without its sign, significand × 10^exponent. The significand has no zeros at
/// its end.
private struct Decimal: Equatable {
    var significand: UInt128 = 0
    var exponent = 0

    /// Reads a JSON number, or returns nil if it has more digits or a larger exponent than any
    /// double needs.
    init?(_ bytes: Span<UInt8>) {
        var zeros = 0
        var isFraction = false
        digits: for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "-"): continue
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard let power = Self.power(bytes, from: index + 1) else { return nil }
                exponent += power
                break digits
            case let digit:
                if isFraction { exponent -= 1 }
                guard digit != UInt8(ascii: "0") else {
                    if significand != 0 { zeros += 1 }
                    continue
                }
                guard append(digit - UInt8(ascii: "0"), behind: zeros) else { return nil }
                zeros = 0
            }
        }
        exponent = significand == 0 ? 0 : exponent + zeros
    }

    private mutating func append(_ digit: UInt8, behind zeros: Int) -> Bool {
        for _ in 0...zeros {
            let (product, overflow) = significand.multipliedReportingOverflow(by: 10)
            guard !overflow else { return false }
            significand = product
        }
        let (sum, overflow) = significand.addingReportingOverflow(UInt128(digit))
        significand = sum
        return !overflow
    }

    private static func power(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        var power = 0
        for index in start..<bytes.count where bytes[index] >= UInt8(ascii: "0") {
            power = power * 10 + Int(bytes[index] - UInt8(ascii: "0"))
            guard power < 1_000_000 else { return nil }
        }
        return bytes[start] == UInt8(ascii: "-") ? -power : power
    }
}
