import Bytes

/// What readers get in place of an event that was appended by mistake. The log keeps the event.
public enum Amendment: Hashable, Sendable {
    /// Readers get this data.
    case data([UInt8])
    /// Readers skip the event.
    case skip
}

extension RecordedEvent {
    /// Returns the event as readers get it: at the same place, with a flag and, if the amendment
    /// has data, with that data. Both checksums are those of the new bytes.
    ///
    /// - Precondition: the amendment has passed `checkSize(under:)`.
    public func amended(by amendment: Amendment) -> RecordedEvent {
        var record: [UInt8]
        let flag: UInt8
        switch amendment {
        case .skip:
            record = Array(bytes)
            flag = RecordLayout.skipped
        case .data(let data):
            record = replacingData(with: data)
            flag = RecordLayout.amended
        }
        var written = record.mutableSpan
        written.set(bytes.span.uint8(at: RecordLayout.flags) | flag, at: RecordLayout.flags)
        let sum = RecordHeader.headChecksum(of: written.span)
        written.set(sum, at: RecordLayout.headChecksum)
        return RecordedEvent(unchecked: record[...])
    }

    /// Throws `invalid` if the amended event would be larger than a record may be.
    public func checkSize(under amendment: Amendment) throws(DaybookError) {
        guard case .data(let data) = amendment else { return }
        try require(
            data.count <= Limits.recordBytes && size(withData: data.count) <= Limits.recordBytes,
            .invalid,
            "event \(id) with \(data.count) bytes of data is over \(Limits.recordBytes) bytes as "
                + "a record")
    }

    private func size(withData count: Int) -> Int {
        RecordLayout.padded(header.data.lowerBound + count)
    }

    /// Returns the record with other data, but with the checksum of the old head.
    private func replacingData(with data: [UInt8]) -> [UInt8] {
        let size = size(withData: data.count)
        var record = Array(bytes.prefix(header.data.lowerBound)) + data
        record.append(contentsOf: repeatElement(0, count: size - record.count))
        var written = record.mutableSpan
        // No record is as long as 2^32 bytes.
        written.set(UInt32(size), at: RecordLayout.length)
        written.set(UInt32(data.count), at: RecordLayout.dataLength)
        let body = CRC32C.checksum(written.span.extracting(RecordLayout.headSize..<size))
        written.set(body, at: RecordLayout.bodyChecksum)
        return record
    }
}
