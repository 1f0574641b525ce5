internal import Fabric
internal import SystemPackage

/// The sources, in the order in which they are asked.
extension Resolver {
    func askDirectory(
        _ form: TargetForm, _ selection: inout RouteSelection, _ knowledge: inout Knowledge,
        _ resolution: inout Resolution
    ) async throws(CarrierError) {
        let directory = directory
        let answer: (finding: StaticDirectory.Finding?, asked: [FilePath])
        do throws(RoutesFileError) {
            answer = try await OwnThread.run { () throws(RoutesFileError) in try directory.look(form) }
        } catch {
            // To go on without it could mean another receiver, or another key, than somebody took care to write down.
            resolution.note(.directory, .failed, error.explanation)
            throw CarrierError(.misconfigured, .waitForPerson, error.explanation, remedy: error.remedy)
        }
        guard let finding = answer.finding else {
            let files = answer.asked.map { "'\($0)'" }.joined(separator: ", ")
            resolution.note(.directory, .nothing, files.isEmpty ? "there is no file of routes" : "not in \(files)")
            return
        }
        let (entry, path) = (finding.entry, finding.path)
        knowledge.entry = (entry, path)
        let origin = RouteOrigin.directory(file: path.string, entry: entry.title)
        resolution.note(.directory, .answered, "'\(path)' has it as '\(entry.title)'")
        for template in entry.routes {
            do throws(NameError) {
                selection.add(try template.route(for: form), from: origin, isNamed: !template.address.contains("{"))
            } catch {
                let route = Route(scheme: template.transport ?? "unknown", address: template.address)
                selection.passOver(route, from: origin, because: error.explanation)
            }
        }
    }

    func askNameService(
        _ form: TargetForm, _ selection: inout RouteSelection, _ knowledge: inout Knowledge,
        _ resolution: inout Resolution
    ) async {
        guard resolution.target.usesLookup else {
            return resolution.note(.nameService, .notAsked, "look-ups were switched off")
        }
        guard let nameService else {
            return resolution.note(.nameService, .notAsked, "no address of AINS is configured (TIBET_AINS_API_URL)")
        }
        guard let host = form.host else {
            return resolution.note(.nameService, .notAsked, "this is no name that AINS could have")
        }
        let finding = await nameService.look(up: host.lookupName)
        switch finding.outcome {
        case .notFound:
            resolution.note(
                .nameService, .nothing, "AINS at \(nameService.address) has no record of '\(host.lookupName)'")
        case .failed(let why):
            knowledge.lookupFailure = why
            resolution.note(.nameService, .failed, "AINS at \(nameService.address) \(why)")
            resolution.notices.append("AINS at \(nameService.address) \(why); going on without it")
        case .found(let record, let age):
            let origin = RouteOrigin.nameService(address: nameService.address, age: age)
            (knowledge.record, knowledge.recordOrigin) = (record, origin)
            resolution.capabilities = record.capabilities
            resolution.note(.nameService, .answered, "\(origin)" + (finding.bridged.map { ", as AINS \($0)" } ?? ""))
            if let why = finding.bridged, let age {
                resolution.notices.append(
                    "AINS at \(nameService.address) \(why); using its record of \(age) s ago")
            }
            resolution.notices += record.oddities
            if let domain = record.domain, knowledge.receiverName(form) == nil {
                resolution.notices.append("AINS calls '\(host)' by another name, '\(domain)', which is not used")
            }
            for route in record.routes { selection.add(route, from: origin, isNamed: false) }
        }
    }

    func askConvention(
        _ form: TargetForm, _ selection: inout RouteSelection, _ resolution: inout Resolution
    ) {
        let transport = resolution.target.transport
        let (host, port): (HostPart, Int?)
        switch form {
        case .name(let name): (host, port) = (name.host, name.port)
        case .alias:
            // A short name says nothing of where it lives; only servers of mailboxes know agents by it.
            guard transport == "mux" || transport == "ipoll", let known = form.host else {
                return resolution.note(.convention, .notAsked, "a short name says nothing of where it lives")
            }
            (host, port) = (known, nil)
        case .route: return
        }
        guard resolution.target.usesConvention else {
            return resolution.note(.convention, .notAsked, "the name came with an envelope, which names no machine")
        }
        resolution.note(.convention, .answered, "from the host in the name")
        for route in configuration.convention.routes(to: host, port: port, transport: transport) {
            if !host.isReachableByAddress, !["mux", "ipoll"].contains(route.scheme) {
                selection.passOver(
                    route, from: .convention, because: "'\(host)' is no host name; only directories and AINS know it")
            } else if transport == nil || RouteSelection.schemes(of: transport ?? "").contains(route.scheme) {
                selection.add(
                    route, from: .convention, isNamed: configuration.convention.namedMailboxes.contains(route.scheme))
            }
        }
    }
}
