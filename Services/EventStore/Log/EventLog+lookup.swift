import Bytes
public import EventSourcing

/// The place of an event, without its position.
struct Place {
    let stream: String
    let category: String
    let revision: UInt64
    /// The position up to which a subscriber to its category must have all events before this one
    /// (`RecordedEvent.previousInCategory`).
    let previous: UInt64
}

extension EventLog {
    /// Returns the answer to a repeated append of these events, or nil if the log has none of them.
    ///
    /// The events may have been appended apart and in another order. The answer then spans all of
    /// them, and its last event is the latest.
    ///
    /// - Throws: `idReused` if the log has one with other content, `partlyKnown` if it has only
    ///   some of them.
    func repetition(
        of records: Span<UInt8>, _ headers: [RecordHeader]
    ) throws(AppendError) -> Appended? {
        var found: [RecordedEvent] = []
        var offset = 0
        for header in headers {
            let body = records.extracting(offset + RecordLayout.headSize..<offset + header.length)
            offset += header.length
            guard let event = try looking(try event(id: header.id)) else { continue }
            found.append(event)
            guard isEqual(event.body, body) else {
                throw .idReused(event.id, position: event.position)
            }
        }
        found.sort { $0.position < $1.position }
        guard let first = found.first, let last = found.last else { return nil }
        guard found.count == headers.count else {
            throw .partlyKnown(
                first.id, position: first.position, count: found.count, of: headers.count)
        }
        return Appended(
            first: first.position, last: last.position, lastRevision: last.revision,
            time: last.time, isRepeat: true)
    }

    /// Returns the committed event with this id, or nil if the log lacks it.
    public func committedEvent(id: EventID) throws(LogError) -> RecordedEvent? {
        let event = try event(id: id)
        return event.flatMap { $0.position <= head ? $0 : nil }
    }

    /// Returns the place of each event of the append. It stages nothing and changes only caches.
    mutating func places(
        of records: Span<UInt8>, _ headers: [RecordHeader]
    ) throws(AppendError) -> [Place] {
        var places: [Place] = []
        places.reserveCapacity(headers.count)
        // The last revision and position so far of the append's own streams and categories.
        var revisions: [String: UInt64] = [:]
        var positions: [String: UInt64] = [:]
        var lastAmendment =
            if let known = self.lastAmendment { known } else {
                try lastPosition(in: StreamName.amendmentCategory)
            }
        self.lastAmendment = lastAmendment
        let first = nextPosition
        var offset = 0
        for (index, header) in headers.enumerated() {
            let stream = records.extracting(offset..<offset + header.length)
                .extracting(header.stream)
            offset += header.length
            let name = text(stream)
            let category = text(stream.extracting(first: categoryLength(of: stream)))
            let last: UInt64? =
                if let own = revisions[name] { own } else { try revision(of: name) }
            let position = first + UInt64(index)
            var previous =
                if let own = positions[category] { own } else { try lastPosition(in: category) }
            previous = max(previous, lastAmendment)
            if category == StreamName.amendmentCategory {
                previous = position - 1
                lastAmendment = position
            }
            guard last != .max else { throw .invalid("stream \(name) can't have more events") }
            let place = Place(
                stream: name, category: category, revision: last.map { $0 + 1 } ?? 0,
                previous: previous)
            places.append(place)
            guard index < headers.count - 1 else { break }
            revisions[name] = place.revision
            positions[category] = position
        }
        return places
    }

    /// Returns the revision of the stream's last event, staged or not. Nil if the stream has no
    /// event.
    mutating func revision(of stream: String) throws(AppendError) -> UInt64? {
        if let known = lastRevisions[stream] { return known }
        let last = try looking(
            try lastEvent(Term(.stream, stream)) { $0.stream.description == stream })
        if let last { lastRevisions[stream] = last.revision }
        return last?.revision
    }

    private mutating func lastPosition(in category: String) throws(AppendError) -> UInt64 {
        if let known = lastPositions[category] { return known }
        let last = try looking(
            try lastEvent(Term(.category, category)) { $0.category == category })
        return last?.position ?? 0
    }

    /// Returns the event with this id, staged or not.
    private func event(id: EventID) throws(LogError) -> RecordedEvent? {
        try lastEvent(Term(id: id)) { $0.id == id }
    }

    /// Returns the last event that has the term and for which `isMeant` is true. Several terms can
    /// share a hash, so the term alone does not identify the event.
    func lastEvent(
        _ term: Term, where isMeant: (RecordedEvent) -> Bool
    ) throws(LogError) -> RecordedEvent? {
        if let last = try lastEvent(term, of: open, where: isMeant) { return last }
        for segment in sealing.reversed() {
            if let last = try lastEvent(term, of: segment, where: isMeant) { return last }
        }
        for segment in sealed.mayHold(term) {
            let ordinals = try segment.ordinals(term, from: 0)
            let found = try lastEvent(of: ordinals, of: segment, where: isMeant)
            if let found { return found }
        }
        return nil
    }

    private func lastEvent(
        _ term: Term, of segment: OpenSegment, where isMeant: (RecordedEvent) -> Bool
    ) throws(LogError) -> RecordedEvent? {
        // Usually no record has the term, or the last one is meant. This avoids building the list.
        guard let last = segment.lastOrdinal(term) else { return nil }
        let event = try record(last, of: segment)
        if isMeant(event) { return event }
        return try lastEvent(of: segment.ordinals(term), of: segment, where: isMeant)
    }

    private func lastEvent(
        of ordinals: [UInt32], of segment: any Segment, where isMeant: (RecordedEvent) -> Bool
    ) throws(LogError) -> RecordedEvent? {
        for ordinal in ordinals.reversed() {
            let event = try record(ordinal, of: segment)
            if isMeant(event) { return event }
        }
        return nil
    }

    /// Reads the record from the group if it is staged, otherwise from the file.
    func record(
        _ ordinal: UInt32, of segment: any Segment
    ) throws(LogError) -> RecordedEvent {
        let range = try segment.offsets(of: Int(ordinal)...Int(ordinal) + 1)
        let (start, end) = (Int(range[0]), Int(range[1]))
        let position = segment.base + UInt64(ordinal)
        if open.base == segment.base, start >= open.end - group.count {
            let onDisk = open.end - group.count
            return try RecordedEvent(
                group[start - onDisk..<end - onDisk], position, segment.name, start)
        }
        var bytes = try storage.read(segment.name, at: start, count: end - start)
        if bytes.count >= RecordLayout.headSize {
            bytes.toggleBinding(segment.binding.mask(at: start), ofRecordAt: 0)
        }
        return try RecordedEvent(bytes[...], position, segment.name, start)
    }

    /// Runs `body` and rethrows its error as an append's.
    func looking<Result>(
        _ body: @autoclosure () throws(LogError) -> Result
    ) throws(AppendError) -> Result {
        do { return try body() } catch { throw .log(error) }
    }
}

extension RecordedEvent {
    /// Creates the event at `position` from its record, after checking all of it.
    ///
    /// - Parameter mask: the mask of the record's place; 0 if the checksum is not masked.
    init(
        _ bytes: ArraySlice<UInt8>, _ position: UInt64, _ segment: String, _ offset: Int,
        mask: UInt32 = 0
    ) throws(LogError) {
        do throws(RecordError) {
            try self.init(bytes)
            try verify(mask: mask)
            guard self.position == position, self.bytes.count == bytes.count else {
                throw .damaged("its position or length is not the expected one")
            }
        } catch {
            throw .damaged(
                segment: segment, offset: offset, position: position, error.description)
        }
    }
}

private func text(_ bytes: Span<UInt8>) -> String {
    unsafe bytes.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
}

private func isEqual(_ a: ArraySlice<UInt8>, _ b: Span<UInt8>) -> Bool {
    unsafe b.withUnsafeBufferPointer { unsafe a.elementsEqual($0) }
}
