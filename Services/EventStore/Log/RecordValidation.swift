import Bytes
import EventSourcing
import JSON

/// Checks the bytes of an append. It needs no access to the log.
enum RecordValidation {
    /// Returns the headers of the records.
    ///
    /// - Throws: `invalid` if a record is malformed, an id occurs twice or a limit is exceeded.
    static func headers(
        of records: Span<UInt8>, segmentBytes: Int
    ) throws(AppendError) -> [RecordHeader] {
        guard records.count <= min(Limits.appendBytes, segmentBytes - SegmentHeader.size) else {
            throw .invalid(
                "an append may have \(min(Limits.appendBytes, segmentBytes - SegmentHeader.size)) "
                    + "bytes at most, not \(records.count)")
        }
        var headers: [RecordHeader] = []
        var ids: Set<EventID> = []
        var offset = 0
        while offset < records.count {
            let rest = records.extracting(offset..<records.count)
            let header = try validate(rest)
            offset += header.length
            // Most appends have one event.
            let isOnly = headers.isEmpty && offset == records.count
            guard isOnly || ids.insert(header.id).inserted else {
                throw .invalid("the append has event id \(header.id) twice")
            }
            headers.append(header)
        }
        guard (1...Limits.appendEvents).contains(headers.count) else {
            throw .invalid(
                "an append must have 1 to \(Limits.appendEvents) events, not \(headers.count)")
        }
        return headers
    }

    /// Checks the records of an append of history.
    ///
    /// - Throws: `invalid` if a record has no original time.
    static func checkOriginalTimes(
        of records: Span<UInt8>, _ headers: [RecordHeader]
    ) throws(AppendError) {
        var offset = 0
        for header in headers {
            let record = records.extracting(offset..<offset + header.length)
            offset += header.length
            let metadata = record.extracting(header.metadata).array
            guard HistoryMark.time(in: metadata[...]) != nil else {
                throw .invalid(
                    "event \(header.id) is appended as history without its original time")
            }
        }
    }

    private static func validate(_ bytes: Span<UInt8>) throws(AppendError) -> RecordHeader {
        let header: RecordHeader
        let record: Span<UInt8>
        do throws(RecordError) {
            header = try RecordHeader.checked(bytes)
            record = bytes.extracting(first: header.length)
            try RecordHeader.verifyBody(record)
        } catch {
            throw .invalid(error.description)
        }
        if let fault = fault(of: record, header) {
            throw .invalid("event \(header.id): \(fault)")
        }
        return header
    }

    /// Returns the rule that the producer's fields break, or nil.
    private static func fault(of record: Span<UInt8>, _ header: RecordHeader) -> String? {
        let stream = record.extracting(header.stream)
        let category = stream.extracting(first: categoryLength(of: stream))
        guard stream.allSatisfy(NameRule.isNameByte), !category.isEmpty,
            category.allSatisfy({ $0 != UInt8(ascii: ".") })
        else { return "its stream name is invalid" }
        let type = record.extracting(header.type)
        guard !type.isEmpty, type.allSatisfy(NameRule.isNameByte) else {
            return "its event type is invalid"
        }
        guard header.tagCount <= Limits.tags else {
            return "it has \(header.tagCount) tags, but the limit is \(Limits.tags)"
        }
        var at = header.tags.lowerBound
        for _ in 0..<header.tagCount {
            let tag = record.extracting(at + 1..<at + 1 + Int(record[at]))
            guard isUTF8(tag) else { return "one of its tags is not UTF-8" }
            at += 1 + Int(record[at])
        }
        guard isUTF8(record.extracting(header.contentType)) else {
            return "its content type is not UTF-8"
        }
        guard isObject(record.extracting(header.metadata)) else {
            return "its metadata is not a JSON object"
        }
        guard record.extracting(RecordLayout.flags..<RecordLayout.headChecksum).isZero,
            record.extracting(RecordLayout.tagsLength + 2..<RecordLayout.metadataLength).isZero,
            record.extracting(header.data.upperBound..<header.length).isZero
        else { return "its reserved bytes are not zero" }
        return nil
    }

    /// Whether the metadata is a JSON object or empty.
    ///
    /// Earlier versions accepted any metadata, so reading and restoring accept it, too.
    private static func isObject(_ metadata: Span<UInt8>) -> Bool {
        guard !metadata.isEmpty else { return true }
        var scanner = JSONScanner(
            0..<metadata.count, maximumDepth: JSONScanner.depth, isStrict: true)
        return isUTF8(metadata) && scanner.peek(metadata) == UInt8(ascii: "{")
            && (try? scanner.skip(metadata)) != nil && (try? scanner.finish(metadata)) != nil
    }

    private static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
        (try? UTF8Span(validating: bytes)) != nil
    }
}

extension Span<UInt8> {
    fileprivate func allSatisfy(_ isMeant: (UInt8) -> Bool) -> Bool {
        for index in indices where !isMeant(self[index]) { return false }
        return true
    }
}
