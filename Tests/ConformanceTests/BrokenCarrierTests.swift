import CarrierConformance
import Fabric
import Testing

extension ConformanceTests {
    /// Carriers that break one obligation each: the suite has to notice, or it proves nothing.
    @Suite("The suite notices")
    struct BrokenCarrierTests {
        /// An in-memory carrier that delivers in a wrong way.
        struct Broken: CarrierLayer {
            let inner: any Carrier
            var traits: CarrierTraits
            let way: @Sendable (Delivery) async -> Result<DeliveryReceipt, CarrierError>

            func deliver(
                _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
            ) async throws(CarrierError) -> DeliveryReceipt {
                try await way(Delivery(inner: inner, envelope: envelope, route: route, progress: progress)).get()
            }
        }

        struct Delivery: Sendable {
            let inner: any Carrier
            var envelope: SealedEnvelope
            let route: Route
            var progress: ProgressSink

            func run() async -> Result<DeliveryReceipt, CarrierError> {
                do throws(CarrierError) {
                    return .success(try await inner.deliver(envelope, along: route, reporting: progress))
                } catch {
                    return .failure(error)
                }
            }

            func receipt(_ strength: ReceiptStrength = .stored) -> DeliveryReceipt {
                DeliveryReceipt(
                    strength: strength, route: route, storedName: envelope.name.text, farDigest: envelope.digest)
            }
        }

        struct Mutant: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let noticedBy: String
            var traits: @Sendable (CarrierTraits) -> CarrierTraits = { $0 }
            let way: @Sendable (Delivery) async -> Result<DeliveryReceipt, CarrierError>
        }

        static let mutants = [
            Mutant(testDescription: "delivers nothing", noticedBy: "every-size") { .success($0.receipt()) },
            Mutant(testDescription: "promises more than it may", noticedBy: "every-size") { delivery in
                await delivery.run().map { _ in delivery.receipt(.verified) }
            },
            Mutant(testDescription: "drops a byte at the end", noticedBy: "every-size") { delivery in
                var delivery = delivery
                let inner = delivery.envelope
                let source = PatternSource(size: inner.size - 1, seed: 1)
                delivery.envelope = source.envelope(inner.name)
                return await delivery.run().map { _ in delivery.receipt() }
            },
            Mutant(testDescription: "calls every failure a success", noticedBy: "source-ends-early") { delivery in
                _ = await delivery.run()
                return .success(delivery.receipt())
            },
            Mutant(testDescription: "reports all before the receipt", noticedBy: "full") { delivery in
                delivery.progress.report(delivery.envelope.size)
                return await delivery.run()
            },
            Mutant(testDescription: "reports backwards", noticedBy: "progress") { delivery in
                var backwards = delivery
                backwards.progress = ProgressSink { delivery.progress.report(delivery.envelope.size - $0) }
                return await backwards.run()
            },
            Mutant(testDescription: "cannot be cancelled", noticedBy: "cancelled-in-the-middle") { delivery in
                await Task.detached { await delivery.run() }.value
            },
            Mutant(
                testDescription: "takes more at once than it says", noticedBy: "in-flight",
                traits: { traits in
                    var traits = traits
                    traits.inFlight = 1
                    return traits
                }, way: { await $0.run() }),
            Mutant(testDescription: "calls a stall unreachable", noticedBy: "never-answers") { delivery in
                await delivery.run().mapError { error in
                    error.kind == .stalled ? CarrierError(.unreachable, .retry(after: nil), "gone") : error
                }
            },
            Mutant(testDescription: "tries again at a key that changed", noticedBy: "key-changed") { delivery in
                await delivery.run().mapError { error in CarrierError(error.kind, .retry(after: nil), "again") }
            },
            Mutant(testDescription: "takes routes of others", noticedBy: "other-scheme") { delivery in
                switch await delivery.run() {
                case .failure(let error) where error.kind == .misconfigured: .success(delivery.receipt())
                case let other: other
                }
            },
            Mutant(testDescription: "explains nothing", noticedBy: "absent") { delivery in
                await delivery.run().mapError { CarrierError($0.kind, $0.action, "") }
            },
            Mutant(testDescription: "hangs", noticedBy: "twice-in-turn") { delivery in
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
                return await delivery.run()
            },
        ]

        @Test("A carrier that is broken", arguments: mutants)
        func mutant(_ mutant: Mutant) async throws {
            let subject = InMemorySubject(title: mutant.testDescription) { inner in
                Broken(inner: inner, traits: mutant.traits(inner.traits), way: mutant.way)
            }
            #expect(try await Self.outcome(mutant.noticedBy, over: subject).isFailure)
            // And only because it is broken.
            #expect(try await Self.outcome(mutant.noticedBy, over: InMemorySubject()) == .passed)
        }

        @Test("An excuse for what could be run, a reason that is none, and a lack that nobody explains")
        func excuses() async throws {
            let needless = InMemorySubject(excuses: ["full": "it is never full here"])
            #expect(try await Self.outcome("full", over: needless).isFailure)
            let unexplained = InMemorySubject(without: [.breakage(.full)])
            #expect(try await Self.outcome("full", over: unexplained).isFailure)
            let lame = InMemorySubject(without: [.breakage(.full)], excuses: ["full": "none"])
            #expect(try await Self.outcome("full", over: lame).isFailure)
            let good = InMemorySubject(without: [.breakage(.full)], excuses: ["full": "it is never full here"])
            #expect(try await Self.outcome("full", over: good) == .excused("it is never full here"))
            #expect(ConformanceSuite.strayExcuses(of: InMemorySubject(excuses: ["fool": "a slip"])) == ["fool"])
        }

        static func outcome(
            _ name: String, over subject: any ConformanceSubject
        ) async throws -> ConformanceResult.Outcome {
            let suite = ConformanceSuite(patience: .seconds(subject.title == "hangs" ? 1 : 120))
            let one = try #require(suite.cases.first { $0.name == name })
            return await suite.run(one, over: subject).outcome
        }
    }
}

extension ConformanceResult.Outcome {
    fileprivate var isFailure: Bool { if case .failed = self { true } else { false } }
}
