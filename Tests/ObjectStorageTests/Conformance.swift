import ObjectStorage
import Testing

/// Checks what every storage must do. `storage` must be empty.
func expectConformance(of storage: any ObjectStorage) async throws {
    try await givesBack(storage)
    try await knowsNothing(storage)
    try await lists(storage)
    try await replacesAndDeletes(storage)
    try await rejectsInvalidKeys(storage)
    try await putsWholeObjects(storage)
}

private func givesBack(_ storage: any ObjectStorage) async throws {
    let everyByte = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    for (key, bytes) in [("a", everyByte), ("empty", []), ("x/y/z.bin", [0, 255])] {
        try await storage.put(bytes, at: key)
        #expect(try await storage.get(key) == bytes)
    }
}

private func knowsNothing(_ storage: any ObjectStorage) async throws {
    for key in ["nothing", "x/y", "a/nothing"] {
        await #expect(throws: ObjectStorageError.noObject(key)) { try await storage.get(key) }
        try await storage.delete(key)
    }
    for prefix in ["nothing/", "a/", "/", "../", "./"] {
        #expect(try await storage.list(prefix).isEmpty, "prefix \(prefix)")
    }
}

private func lists(_ storage: any ObjectStorage) async throws {
    let keys = [
        "list/10", "list/9", "list/B", "list/a b+c%41&d<e>\"'é", "list/deep/er/2", "list/deep/1",
        "list/\u{301}x/\u{301}y", "list/Ω=?#;:@", "list-not/1",
    ]
    for (size, key) in keys.enumerated() {
        try await storage.put([UInt8](repeating: 7, count: size), at: key)
    }
    let expected = keys.filter { $0 != "list-not/1" }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    #expect(try await storage.list("list/") == expected)
    #expect(try await storage.list("list/deep/") == ["list/deep/1", "list/deep/er/2"])
    #expect(try await storage.list("list/de") == ["list/deep/1", "list/deep/er/2"])
    #expect(try await storage.list("list/1") == ["list/10"])
    #expect(try await storage.list("list").count == keys.count)
    #expect(try await storage.list("").count > keys.count)
    for (size, key) in keys.enumerated() { #expect(try await storage.get(key).count == size) }
}

private func replacesAndDeletes(_ storage: any ObjectStorage) async throws {
    try await storage.put([1, 2, 3], at: "again")
    try await storage.put([4], at: "again")
    #expect(try await storage.get("again") == [4])
    try await storage.delete("again")
    await #expect(throws: ObjectStorageError.noObject("again")) { try await storage.get("again") }
    try await storage.delete("again")
    #expect(try await storage.list("again").isEmpty)
    try await storage.put([5], at: "again")
    #expect(try await storage.get("again") == [5])
}

private func rejectsInvalidKeys(_ storage: any ObjectStorage) async throws {
    let wrong = [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/.hidden", "a\u{0}b",
        "a\nb", String(repeating: "k", count: 201), String(repeating: "abc/", count: 250) + "d",
    ]
    let before = try await storage.list("")
    for key in wrong {
        await expectInvalid(key) { () throws(ObjectStorageError) in
            try await storage.put([1], at: key)
        }
        await expectInvalid(key) { () throws(ObjectStorageError) in _ = try await storage.get(key) }
        await expectInvalid(key) { () throws(ObjectStorageError) in
            try await storage.delete(key)
        }
    }
    #expect(try await storage.list("") == before)
}

private func expectInvalid(
    _ key: String, _ body: () async throws(ObjectStorageError) -> Void
) async {
    do throws(ObjectStorageError) {
        try await body()
        Issue.record("'\(key)' was accepted")
    } catch {
        guard case .invalid(let line) = error else {
            Issue.record("'\(key)': \(error)")
            return
        }
        #expect(line.contains("'\(key)'"))
    }
}

/// A reader gets one whole object while others write, never a mixture.
private func putsWholeObjects(_ storage: any ObjectStorage) async throws {
    func object(_ number: UInt8) -> [UInt8] {
        [UInt8](repeating: number, count: 50_000 + Int(number))
    }
    try await storage.put(object(0), at: "busy")
    try await withThrowingTaskGroup { group in
        for number in UInt8(1)...4 {
            group.addTask { try await storage.put(object(number), at: "busy") }
            group.addTask {
                let read = try await storage.get("busy")
                #expect(read == object(read[0]))
            }
        }
        try await group.waitForAll()
    }
    #expect((1...4).map { object($0) }.contains(try await storage.get("busy")))
}
