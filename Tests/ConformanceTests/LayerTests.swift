import CarrierConformance
import Synchronization
import SystemPackage
import Testing

@testable import Fabric

extension ConformanceTests {
    /// What each layer does, beyond what it leaves alone.
    @Suite("Layers")
    struct LayerTests {
        let world = InMemoryWorld()
        let farSide: InMemoryFarSide
        let inner: InMemoryCarrier

        init() {
            farSide = world.makeFarSide()
            inner = InMemoryCarrier(world: world)
        }

        private func envelope(_ size: Int64 = 2_000_000, seed: UInt64 = 1) throws -> SealedEnvelope {
            PatternSource(size: size, seed: seed).envelope(try #require(ArrivalName("a\(seed).tza")))
        }

        private func failure(_ carrier: any Carrier, _ envelope: SealedEnvelope) async -> CarrierError? {
            do throws(CarrierError) {
                _ = try await carrier.deliver(envelope, along: farSide.route, reporting: .none)
                return nil
            } catch {
                return error
            }
        }

        @Test(
            "Rates are read with their units, and nothing without",
            arguments: [
                ("10MiB/s", 10_485_760), ("5MB/s", 5_000_000), ("800kbit/s", 100_000), ("1.5 KiB/s", 1536),
                ("8bit/s", 1), ("1B/s", 1), ("2GiB/s", 2_147_483_648), ("1Gbit/s", 125_000_000), ("0.5kB/s", 500),
                ("10M", 10_485_760), ("512k", 524_288), ("1G", 1_073_741_824),
            ] as [(String, Int64)])
        func rates(text: String, bytes: Int64) {
            #expect(Bandwidth(parsing: text)?.bytesPerSecond == bytes)
        }

        @Test(
            "What is no rate",
            arguments: [
                "", "10", "10T", "10MB", "MB/s", "-1MB/s", "0B/s", "7bit/s", "1mb/s", "1Mb/s", "1TB/s", "1e3B/s",
                "1,5MB/s",
                " 1MB/s", "1MB/s ", "1MB/m", "0x10B/s", "9999999999999GB/s",
            ])
        func noRates(text: String) { #expect(Bandwidth(parsing: text) == nil) }

        @Test("A rate is shown so that it can be read again")
        func shownRates() {
            for bytes: Int64 in [1, 1000, 1024, 1536, 10_485_760, 3_221_225_472] {
                let bandwidth = Bandwidth(bytesPerSecond: bytes)
                #expect(bandwidth.flatMap { Bandwidth(parsing: $0.description) } == bandwidth)
            }
        }

        @Test("A bucket lets through what its rate allows, and not more")
        func bucket() throws {
            var bucket = TokenBucket(try #require(Bandwidth(bytesPerSecond: 1000)), at: .zero)
            #expect(bucket.take(100, at: .zero) == .zero)
            #expect(bucket.take(500, at: .zero) == .milliseconds(500))
            // Who comes next waits for those before.
            #expect(bucket.take(500, at: .zero) == .seconds(1))
            #expect(bucket.take(0, at: .seconds(1)) == .zero)
            // However long nothing came, no more than a tenth of a second's worth comes at once.
            #expect(bucket.take(1100, at: .seconds(100)) == .seconds(1))
        }

        @Test("Cancelling ends a wait for bandwidth")
        func cancelledBandwidth() async throws {
            let layer = BandwidthLayer(around: inner, limit: try #require(Bandwidth(bytesPerSecond: 1)))
            let (starts, start) = AsyncStream.makeStream(of: Void.self)
            let source = try envelope()
            let told = SealedEnvelope(name: source.name, digest: source.digest, size: source.size) {
                () throws(SystemFailure) in
                start.yield()
                return try source.open()
            }
            let delivery = Task { await failure(layer, told) }
            for await _ in starts { break }
            delivery.cancel()
            #expect(await delivery.value?.kind == .cancelled)
            #expect(try await farSide.publishedNames().isEmpty)
        }

        @Test("A gate lets in as many as it should, in the order in which they came")
        func gate() async throws {
            let gate = DeliveryGate(limit: 1)
            let route = farSide.route
            let (entries, entry) = AsyncStream.makeStream(of: Int.self)
            let (leaves, leave) = AsyncStream.makeStream(of: Void.self)
            let first = Task {
                try await gate.pass(to: route) { () async throws(CarrierError) in
                    entry.yield(0)
                    for await _ in leaves { break }
                }
            }
            var entered = entries.makeAsyncIterator()
            #expect(await entered.next() == 0)
            var others: [Task<Void, any Error>] = []
            for number in 1...5 {
                others.append(
                    Task {
                        try await gate.pass(to: route) { () async throws(CarrierError) in _ = entry.yield(number) }
                    })
                while gate.waiting < number { await Task.yield() }
            }
            others[1].cancel()
            await #expect(throws: CarrierError.self) { try await others[1].value }
            leave.yield()
            try await first.value
            for number in [1, 3, 4, 5] { #expect(await entered.next() == number) }
            for other in [others[0], others[2], others[3], others[4]] { try await other.value }
            #expect(gate.waiting == 0)
        }

        @Test("An observer is told of the beginning, the bytes, and the end")
        func progress() async throws {
            let events = Mutex<[String]>([])
            let layer = ProgressLayer(around: inner) { event in
                let word: String? =
                    switch event {
                    case .began(let envelope, _): "began \(envelope.size)"
                    case .moved(_, let bytes, let all): bytes == all ? "all" : nil
                    case .ended(_, .success(let receipt)): "ended \(receipt.strength)"
                    case .ended(_, .failure(let error)): "ended \(error.kind)"
                    }
                if let word { events.withLock { $0.append(word) } }
            }
            #expect(await failure(layer, try envelope()) == nil)
            try await farSide.suffer(.absent)
            #expect(await failure(layer, try envelope(10, seed: 2))?.kind == .unreachable)
            #expect(
                events.withLock { $0 } == ["began 2000000", "all", "ended stored", "began 10", "ended unreachable"])
        }

        @Test(
            "Each fault ends as it should",
            arguments: [
                (Fault.none, nil, true), (.drop, CarrierError.Kind.unreachable, false),
                (.delay(.milliseconds(1)), nil, true),
                (.cut(at: 1_000_000), .unreachable, false), (.truncate(at: 1_000_000), .corrupted, false),
                (.flip(at: 1_999_999), .corrupted, false), (.loseReceipt, .stalled, true), (.duplicate, nil, true),
            ])
        func faults(fault: Fault, kind: CarrierError.Kind?, isThere: Bool) async throws {
            let layer = FaultLayer(around: inner, plan: FaultPlan(script: [fault]))
            #expect(await failure(layer, try envelope())?.kind == kind)
            #expect(try await farSide.publishedNames().count == (isThere ? 1 : 0))
            // The next delivery meets none, and finds out whatever had happened.
            #expect(await failure(layer, try envelope()) == nil)
            #expect(try await farSide.publishedNames().count == 1)
        }

        @Test("The same seed gives the same faults, and every kind of them comes")
        func seeds() {
            func faults(_ seed: UInt64, _ rate: Double) -> [Fault] {
                let plan = FaultPlan(seed: seed, rate: rate)
                return (0..<500).map { plan.fault(for: $0, size: 1000) }
            }
            #expect(faults(1, 0.5) == faults(1, 0.5))
            #expect(faults(1, 0.5) != faults(2, 0.5))
            #expect(faults(1, 0).allSatisfy { $0 == .none })
            #expect(!faults(1, 1).contains(.none))
            let kinds = Set(faults(1, 1).map { "\($0)".prefix { $0 != "(" } })
            #expect(kinds.count == 7, "\(kinds)")
        }

        @Test("A dry run says what would go wrong, and otherwise that it is one")
        func dryRun() async throws {
            let layer = DryRunLayer(around: inner)
            let error = await failure(layer, try envelope())
            #expect(error?.kind == .refused && error?.action == .waitForPerson)
            #expect(error?.explanation.contains("dry run") == true)
            let other = try envelope(100)
            let changed = SealedEnvelope(name: other.name, digest: other.digest, size: other.size) {
                PatternSource(size: 100, seed: 9)
            }
            #expect(await failure(layer, changed)?.kind == .corrupted)
            try await farSide.suffer(.absent)
            #expect(await failure(layer, try envelope())?.kind == .unreachable)
            try await farSide.mend()
            #expect(try await farSide.publishedNames().isEmpty)
        }

        @Test("Powers are found through layers that forward them, and hidden by those that do not")
        func powers() {
            let forwarding: any Carrier = ProgressLayer(around: ConcurrencyLayer(around: inner, limit: 1)) { _ in }
            #expect(forwarding.resuming != nil && forwarding.probing != nil && forwarding.receiving != nil)
            let hiding: any Carrier = ProgressLayer(around: DryRunLayer(around: inner)) { _ in }
            #expect(hiding.resuming == nil && hiding.probing != nil && hiding.receiving == nil)
            let faulty: any Carrier = FaultLayer(around: inner, plan: FaultPlan(script: []))
            #expect(faulty.resuming == nil && faulty.probing != nil && faulty.receiving == nil)
        }

        @Test("A layer promises no more than the carrier within it")
        func traits() {
            #expect(ConcurrencyLayer(around: inner, limit: 2).traits.inFlight == 2)
            #expect(ConcurrencyLayer(around: inner, limit: 99).traits.inFlight == inner.traits.inFlight)
            #expect(ConcurrencyLayer(around: inner, limit: 0).traits.inFlight == 1)
        }
    }
}
