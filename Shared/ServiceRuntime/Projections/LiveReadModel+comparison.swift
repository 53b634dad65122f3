import EventStoreClient
import GRDB
import WireProtocol

extension LiveReadModel {
    /// Returns the differences between the store's rows and those that the log leads to, up to the
    /// limit of `RowDifference`.
    ///
    /// Folds the whole log into a store beside the live one, which waits only while the last few
    /// events are read.
    func differences() async throws -> [RowDifference] {
        try await whileLocked("comparison") {
            while true {
                // Before an amendment, the model has its event as it was read then.
                try await wait(for: client.welcome().head)
                if let found = try await compareOnce() { return found }
            }
        }
    }

    /// Returns the differences, or nil if an event was amended meanwhile: one of the stores may
    /// have it as it was read before.
    private func compareOnce() async throws -> [RowDifference]? {
        let path = store.path + ".comparison"
        // What an earlier process has left is not trusted.
        try ProjectedStore.remove(path)
        var fresh = try await Rebuilding<P>(at: path, log: log, from: client)
        do {
            try await fresh.extend(to: gate.position, from: client) { _ in }
            // The live store is not replaced while its snapshot is open.
            let found = try await whileLocked("rebuild") { try await compare(&fresh) }
            try fresh.abandon()
            return found
        } catch {
            try fresh.abandon()
            throw error
        }
    }

    private func compare(_ fresh: inout Rebuilding<P>) async throws -> [RowDifference]? {
        try await fresh.extend(to: gate.position, from: client) { _ in }
        let (shown, position, stopped) = try await whileLocked("model") {
            try await fresh.extend(to: gate.position, from: client) { _ in }
            try await commit()
            let stopped = fresh.model.stopped.sorted + model.stopped.sorted
            return (try store.snapshot(), gate.position, Set(stopped.map(\.id)))
        }
        let live = store.path
        let found = try await fresh.store.read { log in
            try StoreFailure.naming(live) {
                try shown.read { try RowDifference.all(of: P.Model.self, log, $0, but: stopped) }
            }
        }
        try shown.close()
        let amended = try await Amendments.last(client) ?? 0
        return amended <= min(fresh.head, position) ? found : nil
    }
}
