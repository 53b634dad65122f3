import CallServer
import Testing
import WireProtocol
import ZeroMQ

@Suite struct `Queue of clients` {
    @Test func `Clients take turns, each with its elements in order`() {
        var queue = FairQueue<Int>()
        let ann = Caller(name: "ann", permissions: .everything)
        for number in 1...4 { queue.append(number, to: CallerLane(ann, [UInt8(number)])) }
        queue.append(10, to: CallerLane(.local, [1]))
        queue.append(20, to: CallerLane(.local, [2]))
        queue.append(11, to: CallerLane(.local, [1]))
        var order: [Int] = []
        while let next = queue.popFirst() { order.append(next) }
        #expect(order == [1, 10, 20, 2, 11, 3, 4])
        queue.append(5, to: CallerLane(ann, []))
        #expect(queue.popFirst() == 5 && queue.popFirst() == nil)
    }

    @Test func `Client with costly elements waits for those with cheap ones`() {
        var queue = FairQueue<Int>()
        let (costly, cheap) = (CallerLane.key("costly"), CallerLane.key("cheap"))
        // Both are known.
        queue.append(10, to: cheap)
        #expect(queue.popFirst() == 10)
        queue.charge(.zero, to: cheap)
        for number in 1...3 { queue.append(number, to: costly) }
        #expect(queue.popFirst() == 1)
        queue.charge(.seconds(10), to: costly)
        for number in 11...19 { queue.append(number, to: cheap) }
        for number in 11...14 {
            #expect(queue.popFirst() == number)
            queue.charge(.seconds(3), to: cheap)
        }
        // By now, the cheap ones have taken longer.
        #expect(queue.popFirst() == 2)
        queue.charge(.seconds(10), to: costly)
        // A client that comes later does not wait for what others have had.
        queue.append(21, to: .key("new"))
        #expect([queue.popFirst(), queue.popFirst()].contains(21))
        var rest: Set<Int> = []
        while let next = queue.popFirst() { rest.insert(next) }
        #expect(rest.isSuperset(of: [3, 16, 17, 18, 19]))
    }

    @Test func `Known client that was idle comes before all that are busy or new`() {
        var queue = FairQueue<Int>()
        func ask(_ number: Int, _ duration: Duration) {
            #expect(queue.popFirst() == number)
            queue.charge(duration, to: .key("busy\(number)"))
        }
        queue.append(99, to: .key("idle"))
        #expect(queue.popFirst() == 99)
        // All have had a turn.
        for number in 1...30 { queue.append(number, to: .key("busy\(number)")) }
        for number in 1...30 { ask(number, .milliseconds(3)) }
        for round in 1...5 {
            // Each has one element at a time, so all of their lanes run empty.
            for number in 1...30 { queue.append(number, to: .key("busy\(number)")) }
            for number in 1...20 { ask(number, .milliseconds(3)) }
            queue.append(31, to: .key("new\(round)"))
            queue.append(99, to: .key("idle"))
            #expect(queue.popFirst() == 99)
            queue.charge(.microseconds(10), to: .key("idle"))
            var others: Set<Int> = []
            while let other = queue.popFirst() {
                queue.charge(.milliseconds(3), to: .key("busy\(other)"))
                others.insert(other)
            }
            #expect(others == Set(21...31))
        }
    }

    @Test func `Clients that have left are forgotten before those that stay`() {
        var queue = FairQueue<Int>()
        for number in 1...20_000 {
            for (element, client) in [(0, "stays"), (number, "\(number)")] {
                queue.append(element, to: .key(client))
                #expect(queue.popFirst() == element)
                queue.charge(.milliseconds(1), to: .key(client))
            }
        }
        #expect(queue.laneCount < 5_000)
        // Known as idle, it is before a new one that came first.
        queue.append(1, to: .key("busy"))
        #expect(queue.popFirst() == 1)
        queue.charge(.seconds(1), to: .key("busy"))
        queue.append(1, to: .key("busy"))
        #expect(queue.popFirst() == 1)
        queue.append(2, to: .key("new"))
        queue.append(0, to: .key("stays"))
        #expect(queue.popFirst() == 0)
    }

    @Test(arguments: [1, 40])
    func `New clients together take half of the time, and so do the known ones`(known: Int) {
        var queue = FairQueue<Int>()
        var number = known
        func take() -> Int {
            let element = queue.popFirst() ?? 0
            queue.charge(.milliseconds(5), to: .key("\(element)"))
            return element
        }
        for number in 1...known { queue.append(number, to: .key("\(number)")) }
        for _ in 1...known { _ = take() }
        for number in 1...known { queue.append(number, to: .key("\(number)")) }
        var turns = [0, 0]
        for _ in 1...2000 {
            // More new ones come than leave.
            for _ in 1...2 {
                number += 1
                queue.append(number, to: .key("\(number)"))
            }
            let taken = take()
            // A known one has always an element.
            if taken <= known { queue.append(taken, to: .key("\(taken)")) }
            turns[taken <= known ? 0 : 1] += 1
        }
        #expect(turns.allSatisfy { $0 >= 800 }, "\(turns)")
    }
}
