import EventSourcing
import Foundation
import JSON
import Testing
import Trace

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct `Causal tree output` {
    private let tree: CausalTree

    init() throws {
        tree = try CausalTree(
            Sample.order + [Sample(position: 20, by: nil, conversation: 2)])
    }

    @Test func `Text output has columns, branches and notes`() {
        let lines = tree.lines(marking: Sample.id(9), width: 90)
        #expect(lines == expected.components(separatedBy: "\n"))
    }

    @Test func `JSON output is a flat list in log order`() throws {
        let data = try JSON.data(tree.json(marking: Sample.id(9)))
        let nodes = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        #expect(nodes.map { $0["position"] as? Int } == [5, 6, 7, 8, 9, 10, 12, 20])
        #expect(nodes.map { $0["under"] as? Int } == [nil, 5, 6, 5, 8, 5, 5, nil])
        #expect(nodes.map { $0["depth"] as? Int } == [0, 1, 2, 1, 2, 1, 1, 0])
        #expect(nodes.compactMap { $0["isMarked"] as? Bool }.count == 1)
        let letter = try #require(nodes[1]["deadLetter"] as? [String: Any])
        #expect(
            letter["queue"] as? String == "route" && letter["cause"] as? String == "MaximumReceives"
        )
        #expect(nodes[3]["redriven"] as? [Int] == [7] && nodes[4]["attempt"] as? Int == 2)
        #expect(nodes[6]["reverses"] as? String == "\(Sample.id(5))")
        #expect(nodes[0]["reversedBy"] as? Int == 12)
        #expect(nodes[2]["millisecondsAfterCause"] as? Double == 750)
        #expect(nodes[2]["actor"] as? String == "bob")
    }

    @Test func `Output names the trace of each conversation`() throws {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let tree = try CausalTree([
            Sample(position: 1, by: .init(actor: "ann", traceparent: parent)),
            Sample(position: 2, by: .init(actor: "ann", traceparent: "none"), conversation: 2),
        ])
        let heads = tree.lines().filter { $0.hasPrefix("conversation") }
        #expect(heads[0].hasSuffix("by ann, trace 0af7651916cd43dd8448eb211c80319c"))
        #expect(heads[1].hasSuffix("by ann"))
        let data = try JSON.data(tree.json())
        let nodes = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        #expect(nodes.map { $0["traceparent"] as? String } == [parent, nil])
    }

    @Test func `Flowchart escapes text that looks like markup`() {
        let lines = tree.mermaid(marking: Sample.id(9)).split(separator: "\n").map(String.init)
        #expect(lines[0] == "flowchart TD")
        #expect(
            lines.contains(
                #"    e5["Placed<br/>order-1<br/>5, 0.0 ms, orders for ann@desk"#
                    + #"<br/>reversed by position 12"]:::s0"#))
        let letter = lines.first { $0.hasPrefix("    e6[") }
        #expect(
            letter?.contains("no #60;hubs#62; #38; #34;no#34; routes [31m at all") == true,
            "\(lines)")
        for arrow in ["e5 --> e6", "e6 --> e7", "e5 --> e8", "e8 --> e9", "e12 -. reverses .-> e5"]
        {
            #expect(lines.contains("    \(arrow)"))
        }
        #expect(lines.contains("    style e6 stroke:#c00,stroke-width:3px"))
        #expect(lines.contains("    style e9 stroke:#111,stroke-width:3px"))
        #expect(lines.filter { $0.contains("classDef") }.count == 5)
    }

    @Test func `Picture is well-formed XML with a box for each event`() throws {
        let picture = try Picture(tree.svg(marking: Sample.id(9)))
        // The rectangles are the background, a legend of five services and the boxes.
        #expect(picture.elements["rect"] == 1 + 5 + 8)
        #expect(picture.elements["path"] == 6)
        #expect(picture.elements["title"] == 8)
        #expect(picture.text.contains("no <hubs> & \"no\" routes [31m at all"))
        #expect(picture.text.contains("conversation \(Sample.conversation(2))"))
        for text in ["250.0 ms", "DeadLettered", "order-1, orders for ann@desk"] {
            #expect(picture.text.contains(text), "\(text)")
        }
    }
}

/// The elements and the text that an XML parser finds in a picture.
final class Picture: NSObject, XMLParserDelegate {
    private(set) var elements: [String: Int] = [:]
    private(set) var text = ""

    init(_ svg: String) throws {
        super.init()
        let parser = XMLParser(data: Data(svg.utf8))
        parser.delegate = self
        guard parser.parse(), elements["svg"] == 1 else {
            throw parser.parserError ?? CocoaError(.fileReadCorruptFile)
        }
    }

    func parser(
        _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        elements[element, default: 0] += 1
    }

    func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }
}

/// The text output in 90 columns.
private let expected = """
    position  after ms  cause ms  by                   event

    conversation 00000000-0000-0009-0000-000000000001, 2026-01-31T12:00:00.000000Z, by ann@desk
    5         0.0                 orders for ann@desk  Placed  order-1
                                                       │    reversed by position 12
    6         250.0     250.0     event-store          ├─ DeadLettered  $deadletter-route
                                                       │  │    route could not handle Placed
                                                       │  │    after 3 receives: no <hubs> &
                                                       │  │    "no" routes [31m at all
    7         1000.0    750.0     event-store for bob  │  └─ DeadLetterRedriven  $deadletter-route
                                                       │          put back into its queue by
                                                       │          bob
    8         1010.0    1010.0    route                ├─ Routed  route-1
                                                       │  │    decided on after 3 receives
                                                       │  │    that failed, and the redrive at
                                                       │  │    position 7
    9         1020.0    10.0      shop                 │  └─ Announced  shop-1  ◀
                                                       │          decided on at delivery 2 of
                                                       │          its cause
    10        1030.0    1030.0    route                ├─ Noted  route-1
                                                       │       decided on after 3 receives
                                                       │       that failed, and the redrive at
                                                       │       position 7
    12        9000.0    9000.0    orders for bob       └─ Unplaced  order-1
                                                               reverses position 5

    conversation 00000000-0000-0009-0000-000000000002, 2026-01-31T12:00:00.000000Z, by -
    20        0.0                 -                    T  s-1
    """
