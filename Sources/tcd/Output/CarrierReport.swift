internal import CarrierConformance
internal import CarrierExec
internal import Fabric

/// A carrier as people and programs read it.
struct CarrierReport {
    let name: String
    var carrier: (any Carrier)?
    var plugin: Plugin?
    var error: CarrierError?

    init(name: String, carrier: (any Carrier)? = nil, plugin: Plugin? = nil, error: CarrierError? = nil) {
        (self.name, self.carrier, self.plugin, self.error) = (name, carrier, plugin, error)
    }

    private var powers: [String] {
        guard let carrier else { return [] }
        return [
            carrier.resuming == nil ? nil : "resuming", carrier.probing == nil ? nil : "probing",
            carrier.receiving == nil ? nil : "receiving",
        ].compactMap { $0 }
    }

    func tell(json: Bool) {
        guard !json else {
            var fields: [(String, JSONLine.Value)] = [
                ("event", "carrier"), ("name", .text(name)), ("plugin", JSONLine.Value(plugin?.path)),
            ]
            if let traits = carrier?.traits {
                fields += [
                    ("powers", JSONLine.Value(powers)),
                    ("strongest_receipt", .text(traits.strongestReceipt.description)),
                    ("largest_envelope", traits.largestEnvelope.map { .number($0) } ?? .null),
                    ("in_flight", .number(Int64(traits.inFlight))),
                    ("publishes_atomically", .flag(traits.publishesAtomically)),
                ]
            }
            if let error { fields.append(("error", .text(error.description))) }
            Terminal.say(JSONLine(fields))
            return
        }
        let origin = plugin?.path ?? "built in"
        if let traits = carrier?.traits {
            let what = ([traits.strongestReceipt.description] + powers).joined(separator: ", ")
            Terminal.say("\(name)  \(what)  (\(origin))")
        } else {
            Terminal.say("\(name)  cannot be used: \(error?.description ?? "")  (\(origin))")
        }
    }
}

/// The result of one case as people and programs read it.
struct ConformanceReport {
    private let result: ConformanceResult

    init(_ result: ConformanceResult) { self.result = result }

    func tell(json: Bool) {
        let (word, lines): (String, [String]) =
            switch result.outcome {
            case .passed: ("passed", [])
            case .excused(let reason): ("excused", [reason])
            case .failed(let findings): ("failed", findings)
            }
        let one = result.conformanceCase
        guard json else {
            Terminal.say("\(word)  \(one.name)")
            if word == "failed" { Terminal.say("        \(one.sentence)") }
            for line in lines { Terminal.say("        \(word == "failed" ? "but " : "")\(line)") }
            return
        }
        Terminal.say(
            JSONLine([
                ("event", "case"), ("name", .text(one.name)), ("outcome", .text(word)),
                ("obligations", .list(one.obligations.map { .number(Int64($0)) })), ("sentence", .text(one.sentence)),
                ("findings", JSONLine.Value(lines)),
            ]))
    }
}
