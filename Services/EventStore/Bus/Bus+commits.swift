import EventSourcing
import Logging

extension Bus {
    func commitChanges() async throws {
        for await _ in commitSignal.signals
        where isCommitDue || commits.hasWaiters || deliveries.needsLoad {
            // Unstructured, so that it is not cancelled when the process stops: cancelling would
            // interrupt a transaction, and the last commit would lack its changes.
            try await Task(executorPreference: loop) { try await self.commit() }.value
        }
        throw CancellationError()
    }

    /// Whether there are changes to commit, or time to record, even if no caller waits.
    var isCommitDue: Bool {
        commits.isDue(
            at: clock.running, hasChanges: deliveries.hasChanges || replays.hasChanges,
            isTimed: deliveries.isTimed, routed: router.position)
    }

    /// Returns when all changes so far are on disk. A caller that changed nothing, for example one
    /// that repeats a verdict, starts no commit.
    func committed() async throws {
        let hasChanges = deliveries.hasChanges || replays.hasChanges || commits.hasChanges
        guard hasChanges || commits.isUnderWay else { return }
        try await suspend { waiter in
            guard hasChanges else { return commits.join(waiter) }
            commits.wait(waiter)
            commitSignal.send()
        }
    }

    /// Returns when the tables have all changes so far and the queues have filled their memory.
    func stored() async throws {
        try await suspend {
            commits.waitForTables($0)
            commitSignal.send()
        }
    }

    /// Writes the changes into the journal. Then folds commits onto the tables: at once if they
    /// must be read, otherwise in batches.
    func commit() async throws {
        let (record, committing, readers) = commits.begin(
            routed: router.position, at: clock.now, queues: deliveries.takeWrites(),
            replays: replays.takeChanges())
        do {
            commits.finish(record, through: try await journal.append(record))
            waiters.resume(committing + commits.takeJoined())
            try await switchToSnapshot()
            if !readers.isEmpty || deliveries.needsLoad {
                // Queues are loaded only from tables that have everything up to this commit.
                try await foldAll()
                try await loadEntries()
            } else if commits.isFoldDue {
                try await beginFolding()
                try await beginSnapshot()
            }
            waiters.resume(readers)
        } catch {
            waiters.fail(committing + commits.takeJoined() + readers, with: error)
            throw error
        }
    }

    // MARK: Folding

    /// Returns when the tables have everything in the journal.
    func foldAll() async throws {
        try await beginFolding()
        try await folding?.value
    }

    private func beginFolding() async throws {
        try await folding?.value
        let id = await journal.id
        let (record, through) = commits.takeUnstored()
        folding = Task(executorPreference: loop) { [store] in
            try await store.commit(record, of: id, through: through)
        }
    }

    // MARK: Snapshots

    /// Starts the journal's next generation if this one is too long. Commits continue meanwhile.
    private func beginSnapshot() async throws {
        guard snapshots.task == nil,
            let next = try await journal.dueGeneration(minimum: snapshots.minimumBytes)
        else { return }
        snapshots.begin(Task(executorPreference: loop) { await self.takeSnapshot(next) })
    }

    /// Writes a snapshot into `next`. If that fails, for example because the disk is full, the
    /// current generation stays in use.
    private func takeSnapshot(_ next: JournalGeneration) async {
        do {
            snapshots.finish(next, at: try await store.snapshot(to: next))
        } catch {
            logger.warning(
                "the bus's journal can't be compacted", metadata: ["reason": "\(error)"])
            snapshots.fail()
            do {
                try next.discard()
            } catch {
                logger.warning(
                    "\(next.path).new can't be removed", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Switches to the journal's next generation, if its snapshot is complete.
    private func switchToSnapshot() async throws {
        guard let (next, position) = snapshots.takeFinished() else { return }
        commits.move(to: try await journal.move(to: next, from: position))
        // The tables must record that they follow the new generation.
        try await foldAll()
        logger.notice("compacted the bus's journal", metadata: ["folder": "\(next.path)"])
    }
}
