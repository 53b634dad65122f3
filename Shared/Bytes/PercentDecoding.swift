extension [UInt8] {
    /// Decodes `%XX` (RFC 3986) in a text. Other bytes stay as they are.
    ///
    /// Returns nil if a `%` is not followed by two hexadecimal digits. Foundation's decoder is no
    /// choice, because it drops a byte order mark and replaces some invalid UTF-8.
    public init?(percentDecoding text: some Sequence<UInt8>) {
        self.init()
        var rest = text.makeIterator()
        func digit() -> UInt8? { rest.next().flatMap(Hex.value) }
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                append(byte)
                continue
            }
            guard let high = digit(), let low = digit() else { return nil }
            append(high << 4 | low)
        }
    }
}
