import TestSupport
import Testing

@Suite(.mayBlock) struct `Folders of modules` {
    @Test func `Every module that has folders has an order of them`() throws {
        for target in try PackageTarget.all()
        where target.path.hasPrefix("Services/") || target.path.hasPrefix("Shared/") {
            let folders = SourceTree.swift.compactMap {
                FolderOrder.folder(of: $0.path, in: target.path)
            }
            let order = FolderOrder.all.first { $0.module == target.path }?.folders ?? ["."]
            #expect(Set(folders).union(order.filter { $0 == "." }) == Set(order), "\(target.path)")
        }
    }

    /// Types are found by their names, so a name that two folders declare is not checked.
    @Test func `Folder uses only types of the folders before it in the order of its module`() {
        for order in FolderOrder.all {
            let ranks = Dictionary(
                uniqueKeysWithValues: order.folders.enumerated().map { ($1, $0) })
            let files = SourceTree.swift.compactMap { file in
                order.folder(of: file.path).map { (file: file, folder: $0) }
            }
            var owners: [String: Set<String>] = [:]
            for (file, folder) in files {
                for (name, isNested) in types(of: file) where !isNested {
                    owners[name, default: []].insert(folder)
                }
            }
            for (file, folder) in files {
                var known = Set(types(of: file).map(\.name))
                for (index, line) in file.code.enumerated() {
                    for word in line.split(whereSeparator: { !$0.isLetter && !$0.isNumber })
                    where known.insert(String(word)).inserted {
                        guard let owner = owners[String(word)], owner.count == 1,
                            let other = owner.first, ranks[folder] ?? 0 < ranks[other] ?? 0
                        else { continue }
                        let message = "\(folder) may not use \(word) of \(other)"
                        Issue.record("\(Finding(file, index + 1, message))")
                    }
                }
            }
        }
    }

    private func types(of file: SourceFile) -> [(name: String, isNested: Bool)] {
        let declaration =
            #/
            ^(\ *)(?:@\S+\ |public\ |package\ |indirect\ |final\ |nonisolated\ )*
            (?:struct|class|enum|actor|protocol|typealias)\ (\w+)
            /#
        return file.code.compactMap { line in
            line.firstMatch(of: declaration).map { (String($0.output.2), !$0.output.1.isEmpty) }
        }
    }
}
