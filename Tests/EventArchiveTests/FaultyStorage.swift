import ObjectStorage
import Synchronization

/// Storage that fails at the call with a given number, before or after carrying it out. If the
/// fault is lasting, all later calls fail too, as if the process had ended.
final class FaultyStorage: ObjectStorage {
    enum Fault: CaseIterable { case before, after }

    private let base: MemoryObjectStorage
    private let calls = Mutex<Int>(0)
    private let fault: Fault
    private let failing: Int
    private let isLasting: Bool

    init(_ base: MemoryObjectStorage, _ fault: Fault = .before, at call: Int, isLasting: Bool) {
        self.base = base
        self.fault = fault
        failing = call
        self.isLasting = isLasting
    }

    var count: Int { calls.withLock(\.self) }

    private func call<Result>(
        _ body: () throws(ObjectStorageError) -> Result
    ) throws(ObjectStorageError) -> Result {
        let number = calls.withLock { calls in
            defer { calls += 1 }
            return calls
        }
        let injected = ObjectStorageError.unavailable("injected")
        guard number == failing || isLasting && number > failing else { return try body() }
        if number == failing, fault == .after { _ = try body() }
        throw injected
    }

    func put(_ bytes: [UInt8], at key: String) async throws(ObjectStorageError) {
        try call { () throws(ObjectStorageError) in try base.put(bytes, at: key) }
    }

    func get(_ key: String) async throws(ObjectStorageError) -> [UInt8] {
        try call { () throws(ObjectStorageError) in try base.get(key) }
    }

    func list(_ prefix: String) async throws(ObjectStorageError) -> [String] {
        try call { () throws(ObjectStorageError) in base.list(prefix) }
    }

    func delete(_ key: String) async throws(ObjectStorageError) {
        try call { () throws(ObjectStorageError) in try base.delete(key) }
    }
}
