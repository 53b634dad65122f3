public import EventSourcing
public import ObjectStorage

/// Reads an archive as it was when the reader was made. It returns valid events only.
public struct ArchiveReader: Sendable {
    /// The manifest at the time the reader was made.
    public let manifest: ArchiveManifest
    private let store: ArchiveStore

    /// Reads the manifest of the archive.
    ///
    /// - Throws: `noArchive` if no archive has this name, or another `ArchiveError`.
    public init(in storage: any ObjectStorage, name: String) async throws(ArchiveError) {
        store = try ArchiveStore(storage, name: name)
        guard let manifest = try await store.manifest() else { throw .noArchive(name) }
        self.manifest = manifest
    }

    /// Returns the archived events at positions `from...through` with times in `times`, in the
    /// order of the log.
    public func events(
        from: UInt64 = 1, through: UInt64 = .max, times: Range<Timestamp>? = nil
    ) -> ArchivedEvents {
        ArchivedEvents(
            store: store, manifest: manifest, from: from, through: through, times: times)
    }

    /// Reads and checks every segment.
    ///
    /// - Parameter progress: called with each segment after it was checked.
    /// - Returns: the damage found; empty if the archive is intact.
    /// - Throws: `storage` if the object storage fails.
    public func verify(
        progress: (ArchiveSegment) -> Void = { _ in }
    ) async throws(ArchiveError) -> [ArchiveError] {
        var damage: [ArchiveError] = []
        for segment in manifest.segments {
            do throws(ArchiveError) {
                let found = try await store.contents(of: segment, in: manifest).damage
                if let found { damage.append(found) }
            } catch {
                if case .storage = error { throw error }
                damage.append(error)
            }
            progress(segment)
        }
        return damage
    }
}

/// The events of an archive, read one segment at a time.
///
/// At damage, the iterator returns the events before it and then throws the error. To continue,
/// start a new sequence after the error's `last`.
public struct ArchivedEvents: AsyncSequence, Sendable {
    let store: ArchiveStore
    let manifest: ArchiveManifest
    let from: UInt64
    let through: UInt64
    let times: Range<Timestamp>?

    /// Starts reading at the first segment.
    public func makeAsyncIterator() -> Iterator {
        Iterator(wanted: self)
    }

    /// The position of one pass over the events.
    public struct Iterator: AsyncIteratorProtocol {
        private let wanted: ArchivedEvents
        private var segments: ArraySlice<ArchiveSegment>
        private var events: ArraySlice<RecordedEvent> = []
        private var damage: ArchiveError?

        init(wanted: ArchivedEvents) {
            self.wanted = wanted
            segments = wanted.manifest.segments.filter(wanted.mayHold)[...]
        }

        /// Returns the next event, or nil after the last.
        ///
        /// - Throws: `ArchiveError`. After an error the iterator returns nil.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ArchiveError) -> RecordedEvent? {
            while true {
                while let event = events.popFirst() {
                    if wanted.matches(event) { return event }
                }
                if let error = damage {
                    // Then the iterator ends. A caller that continued would miss events without
                    // knowing.
                    (segments, damage) = ([], nil)
                    throw error
                }
                guard let segment = segments.popFirst() else { return nil }
                do throws(ArchiveError) {
                    let contents = try await wanted.store.contents(
                        of: segment, in: wanted.manifest)
                    (events, damage) = (contents.events[...], contents.damage)
                } catch {
                    damage = error
                }
            }
        }

        /// Returns the next event, or nil after the last.
        public mutating func next() async throws(ArchiveError) -> RecordedEvent? {
            try await next(isolation: #isolation)
        }
    }

    private func mayHold(_ segment: ArchiveSegment) -> Bool {
        segment.first <= through && segment.last >= from
            && times.map { segment.firstTime < $0.upperBound && segment.lastTime >= $0.lowerBound }
                ?? true
    }

    private func matches(_ event: RecordedEvent) -> Bool {
        from <= event.position && event.position <= through
            && times?.contains(event.occurredAt) ?? true
    }
}
