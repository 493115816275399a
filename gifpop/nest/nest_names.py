"""All names of NEST 3.10, to tell those that gifpop.nest lacks from those that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from gifpop.nest.errors import NotInGifpop

Kind: TypeAlias = Literal[
    "attribute", "setting", "model of nodes", "synapse model", "connection rule", "type of Parameter"
]

_NAMES: dict[Kind, str] = {
    "attribute": """
        Cleanup CollocatedSynapses Compartments Connect ConnectionRules CopyModel Create CreateMask CreateParameter
        DisableStructuralPlasticity Disconnect Displacement Distance DumpLayerConnections DumpLayerNodes
        EnableStructuralPlasticity FindCenterElement FindNearestElement GetConnections GetDefaults GetKernelStatus
        GetLocalNodeCollection GetLocalVPs GetNodes GetPosition GetSourceNodes GetSourcePositions GetStatus
        GetTargetNodes GetTargetPositions Install Mask Models NESTError NESTErrors NestModule NodeCollection
        NumProcesses Parameter PlotLayer PlotProbabilityParameter PlotSources PlotTargets Prepare PrintNodes Rank
        Receptors ResetKernel Run RunManager SelectNodesByMask SetAcceptableLatency SetDefaults SetKernelStatus
        SetMaxBuffered SetStatus Simulate SonataNetwork SynapseCollection SyncProcesses TripartiteConnect
        VerbosityLevel get get_verbosity help ll_api logic math message random raster_plot serialize_data set
        set_communicator set_verbosity spatial spatial_distributions server to_json visualization voltage_trace
    """,
    "setting": """
        T_max T_min adaptive_target_buffers biological_time buffer_size_spike_data buffer_size_target_data build_info
        connection_rules cycle_time_log data_path data_prefix dict_miss_is_error eprop_learning_window
        eprop_reset_neurons_on_update eprop_update_interval growth_curves growth_factor_buffer_spike_data
        growth_factor_buffer_target_data keep_source_table kernel_status local_num_threads local_spike_counter
        max_buffer_size_target_data max_delay max_num_syn_models max_update_time memory_size min_delay min_update_time
        modules mpi_rank ms_per_tic network_size node_models num_connections num_processes off_grid_spiking
        overwrite_files prepared print_time recording_backends recv_buffer_size_secondary_events resolution rng_seed
        rng_type rng_types send_buffer_size_secondary_events spike_buffer_grow_extra spike_buffer_resize_log
        spike_buffer_shrink_limit spike_buffer_shrink_spare stimulation_backends structural_plasticity_synapses
        structural_plasticity_update_interval synapse_models tics_per_ms tics_per_step time_communicate_prepare
        time_communicate_prepare_cpu time_construction_connect time_construction_connect_cpu time_construction_create
        time_construction_create_cpu time_simulate time_simulate_cpu to_do total_num_virtual_procs update_time_limit
        use_compressed_spikes use_wfr userdict verbosity wfr_comm_interval wfr_interpolation_order wfr_max_iterations
        wfr_tol
    """,
    "model of nodes": """
        ac_generator dc_generator gamma_sup_generator mip_generator noise_generator inhomogeneous_poisson_generator
        poisson_generator poisson_generator_ps ppd_sup_generator pulsepacket_generator sinusoidal_poisson_generator
        spike_generator step_current_generator step_rate_generator sinusoidal_gamma_generator aeif_cond_alpha
        aeif_cond_alpha_astro aeif_cond_alpha_multisynapse aeif_cond_beta_multisynapse aeif_cond_exp aeif_psc_alpha
        aeif_psc_exp aeif_psc_delta gif_cond_exp gif_cond_exp_multisynapse glif_cond hh_cond_exp_traub
        hh_cond_beta_gap_traub hh_psc_alpha hh_psc_alpha_gap ht_neuron iaf_chxk_2008 iaf_cond_alpha iaf_cond_alpha_mc
        iaf_cond_beta iaf_cond_exp iaf_cond_exp_sfa_rr iaf_bw_2001_exact siegert_neuron amat2_psc_exp cm_default
        eprop_iaf_bsshslm_2020 eprop_iaf_adapt_bsshslm_2020 eprop_readout_bsshslm_2020 eprop_iaf eprop_iaf_adapt
        eprop_iaf_psc_delta eprop_iaf_psc_delta_adapt eprop_readout gif_psc_exp gif_psc_exp_multisynapse glif_psc
        glif_psc_double_alpha iaf_chs_2007 iaf_psc_alpha iaf_psc_alpha_multisynapse iaf_psc_alpha_ps iaf_psc_delta
        iaf_psc_delta_ps iaf_psc_exp iaf_psc_exp_htum iaf_psc_exp_multisynapse iaf_psc_exp_ps iaf_psc_exp_ps_lossless
        iaf_tum_2000 ignore_and_fire izhikevich mat2_psc_exp parrot_neuron parrot_neuron_ps pp_psc_delta iaf_bw_2001
        aeif_psc_delta_clopath hh_psc_alpha_clopath astrocyte_lr_1994 gif_pop_psc_exp correlation_detector
        correlomatrix_detector correlospinmatrix_detector spike_train_injector volume_transmitter erfc_neuron
        ginzburg_neuron mcculloch_pitts_neuron gauss_rate_ipn rate_transformer_gauss lin_rate_ipn lin_rate_opn
        rate_transformer_lin sigmoid_rate_ipn rate_transformer_sigmoid sigmoid_rate_gg_1998_ipn
        rate_transformer_sigmoid_gg_1998 tanh_rate_ipn tanh_rate_opn rate_transformer_tanh threshold_lin_rate_ipn
        threshold_lin_rate_opn rate_transformer_threshold_lin multimeter voltmeter spike_recorder spin_detector
        weight_recorder spike_dilutor pp_cond_exp_mc_urbanczik
    """,
    "synapse model": """
        bernoulli_synapse bernoulli_synapse_hpc bernoulli_synapse_lbl clopath_synapse clopath_synapse_hpc
        clopath_synapse_lbl cont_delay_synapse cont_delay_synapse_hpc cont_delay_synapse_lbl diffusion_connection
        eprop_learning_signal_connection eprop_learning_signal_connection_bsshslm_2020 eprop_synapse
        eprop_synapse_bsshslm_2020 eprop_synapse_bsshslm_2020_hpc eprop_synapse_hpc gap_junction ht_synapse
        ht_synapse_hpc ht_synapse_lbl jonke_synapse jonke_synapse_hpc jonke_synapse_lbl quantal_stp_synapse
        quantal_stp_synapse_hpc quantal_stp_synapse_lbl rate_connection_delayed rate_connection_instantaneous
        sic_connection static_synapse static_synapse_hom_w static_synapse_hom_w_hpc static_synapse_hom_w_lbl
        static_synapse_hpc static_synapse_lbl stdp_dopamine_synapse stdp_dopamine_synapse_hpc stdp_dopamine_synapse_lbl
        stdp_facetshw_synapse_hom stdp_facetshw_synapse_hom_hpc stdp_facetshw_synapse_hom_lbl
        stdp_nn_pre_centered_synapse stdp_nn_pre_centered_synapse_hpc stdp_nn_pre_centered_synapse_lbl
        stdp_nn_restr_synapse stdp_nn_restr_synapse_hpc stdp_nn_restr_synapse_lbl stdp_nn_symm_synapse
        stdp_nn_symm_synapse_hpc stdp_nn_symm_synapse_lbl stdp_pl_synapse_hom stdp_pl_synapse_hom_hpc
        stdp_pl_synapse_hom_lbl stdp_synapse stdp_synapse_hom stdp_synapse_hom_hpc stdp_synapse_hom_lbl
        stdp_synapse_hpc stdp_synapse_lbl stdp_triplet_synapse stdp_triplet_synapse_hpc stdp_triplet_synapse_lbl
        tsodyks2_synapse tsodyks2_synapse_hpc tsodyks2_synapse_lbl tsodyks_synapse tsodyks_synapse_hom
        tsodyks_synapse_hom_hpc tsodyks_synapse_hom_lbl tsodyks_synapse_hpc tsodyks_synapse_lbl urbanczik_synapse
        urbanczik_synapse_hpc urbanczik_synapse_lbl vogels_sprekeler_synapse vogels_sprekeler_synapse_hpc
        vogels_sprekeler_synapse_lbl
    """,
    "connection rule": """
        all_to_all fixed_indegree fixed_outdegree fixed_total_number one_to_one pairwise_bernoulli pairwise_poisson
        symmetric_pairwise_bernoulli third_factor_bernoulli_with_pool
    """,
    "type of Parameter": "constant distance exponential lognormal normal position uniform uniform_int",
}
NAMES: dict[Kind, frozenset[str]] = {kind: frozenset(names.split()) for kind, names in _NAMES.items()}


def refuse_lacking(
    name: object, kinds: Iterable[Kind], instead: str = "", error: type[NotInGifpop] = NotInGifpop
) -> None:
    """Raise an error if NEST has a name of one of some kinds, which was not found in gifpop.

    ``instead`` is a sentence for the end of the message.
    """
    for kind in kinds:
        if name in NAMES[kind]:
            raise error(f"NEST's {kind} '{name}' is not available in gifpop.nest. {instead}".rstrip())
