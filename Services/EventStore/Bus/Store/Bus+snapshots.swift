import Logging

extension Bus {
    /// Starts the journal's next generation if this one is too long. Commits continue meanwhile.
    func beginSnapshot() async throws {
        guard commits.snapshotTask == nil,
            let next = try await journal.dueGeneration(minimum: journalBytes)
        else { return }
        commits.snapshotTask = Task(executorPreference: loop) { await self.takeSnapshot(next) }
    }

    /// Writes a snapshot into `next`. If that fails, for example because the disk is full, the
    /// current generation stays in use, and the next attempt waits until it is twice as long.
    private func takeSnapshot(_ next: JournalGeneration) async {
        do {
            commits.snapshot = (next, try await store.snapshot(to: next))
        } catch {
            logger.warning(
                "the bus's journal can't be compacted", metadata: ["reason": "\(error)"])
            journalBytes = max(2 * journalBytes, 1 << 20)
            commits.snapshotTask = nil
            do {
                try next.discard()
            } catch {
                logger.warning(
                    "\(next.path).new can't be removed", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Switches to the journal's next generation, if its snapshot is complete.
    func takeUpSnapshot() async throws {
        guard let (next, position) = commits.snapshot else { return }
        await commits.snapshotTask?.value
        (commits.snapshot, commits.snapshotTask) = (nil, nil)
        commits.move(to: try await journal.move(to: next, from: position))
        // The tables must record that they follow the new generation.
        try await flush()
        logger.notice("compacted the bus's journal", metadata: ["folder": "\(next.path)"])
    }
}
