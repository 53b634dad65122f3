import Bytes

/// The IPv4 or IPv6 addresses (RFC 4291) with the same first bits, such as `10.0.0.0/8`, or a
/// single address.
///
/// No IPv4 block holds an IPv6 address, and the reverse.
struct AddressBlock: Equatable, Sendable {
    let isV6: Bool
    /// The number of bits that its addresses have in common.
    private(set) var length: Int
    /// The first bits of all its addresses.
    private(set) var prefix: UInt128

    /// Parses a single address, or returns nil.
    ///
    /// It accepts `10.0.0.1`, also with leading zeros, `2001:db8::1`, and an IPv6 address that ends
    /// with an IPv4 address, such as `64:ff9b::192.0.2.33` (RFC 4291, 2.2).
    init?(_ text: Span<UInt8>) {
        guard text.count >= 2 else { return nil }
        if let bits = Self.v4(text) {
            (isV6, length, prefix) = (false, 32, bits)
        } else if let bits = Self.v6(text) {
            (isV6, length, prefix) = (true, 128, bits)
        } else {
            return nil
        }
    }

    /// Returns the block around this one whose addresses have only `length` bits in common.
    func shortened(to length: Int) -> AddressBlock {
        var block = self
        block.prefix >>= self.length - length
        block.length = length
        return block
    }

    func contains(_ other: AddressBlock) -> Bool {
        other.length >= length && other.shortened(to: length) == self
    }

    private static func v4(_ text: Span<UInt8>) -> UInt128? {
        var bits: UInt128 = 0
        var (part, digits, dots) = (0, 0, 0)
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                part = part * 10 + Int(text[index] - UInt8(ascii: "0"))
                digits += 1
                guard part < 256 else { return nil }
            case UInt8(ascii: "."):
                guard digits > 0 else { return nil }
                bits = bits << 8 | UInt128(part)
                (part, digits, dots) = (0, 0, dots + 1)
            default: return nil
            }
        }
        return dots == 3 && digits > 0 ? bits << 8 | UInt128(part) : nil
    }

    private static func v6(_ text: Span<UInt8>) -> UInt128? {
        var bits: UInt128 = 0
        var groups = 0
        /// The number of groups before `::`.
        var gap: Int?
        var at = 0
        if text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return nil }
            (gap, at) = (0, 2)
        }
        while at < text.count {
            // The remaining text may be an IPv4 address, which stands for two groups.
            if let v4 = v4(text.extracting(at..<text.count)) {
                bits = bits << 32 | v4
                groups += 2
                break
            }
            var group: UInt128 = 0
            let start = at
            while at < text.count, let digit = Hex.value(text[at]) {
                group = group << 4 | UInt128(digit)
                at += 1
                guard at - start <= 4 else { return nil }
            }
            guard at > start, groups < 8 else { return nil }
            bits = bits << 16 | group
            groups += 1
            guard at < text.count else { break }
            guard text[at] == UInt8(ascii: ":"), at + 1 < text.count else { return nil }
            at += 1
            if text[at] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups
                at += 1
            }
        }
        guard let gap else { return groups == 8 ? bits : nil }
        guard groups < 8 else { return nil }
        let tail = (groups - gap) * 16
        return (bits >> tail) << (128 - gap * 16) | (bits & ~(~0 << tail))
    }
}
